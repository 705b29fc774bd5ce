"""Two models side by side: which one answers, the switch between them, and the way back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from indexer import collections, serving, spaces
from indexer.domain import FieldType, Kind
from indexer.errors import Conflict, InvalidInput
from indexer.queries import Part, SearchQuery
from indexer.recovery import requeue_unfilled
from indexer.search import search
from tests.fakes import ColourEmbedder, LosingQueue, TextOnlyEmbedder
from tests.lab import Lab, found_text, open_lab, picture_in


class SecondEmbedder(ColourEmbedder):
    name = "second"
    fingerprint = "second-1"


SECOND = collections.space_of(SecondEmbedder())
WORDS = collections.space_of(TextOnlyEmbedder())


@pytest.fixture
def lab(new_folder: Path, tmp_path: Path) -> Iterator[Lab]:
    """A red picture and a green text in `colour`, and `second` filled beside it."""
    for lab in open_lab(new_folder, ColourEmbedder()):
        lab.embedders.know(SecondEmbedder(), TextOnlyEmbedder())
        lab.ingest(picture_in(tmp_path / "red.png"), found_text("/t.txt", "all green"))
        fill(lab, "second")
        yield lab


def fill(lab: Lab, name: str) -> None:
    spaces.add(lab.store, "things", {"second": SECOND, "words": WORDS}[name])
    requeue_unfilled(lab.store, lab.queue, "things")
    spaces.settle(lab.store, "things")


def answering(lab: Lab, kind: Kind, **options: object) -> set[str]:
    query = SearchQuery((Part(text="red green"),), kind=kind, **options)  # type: ignore[arg-type]
    return {hit.space for hit in search(lab.searcher, "things", query).hits}


def test_a_switch_and_the_way_back(lab: Lab) -> None:
    assert answering(lab, Kind.IMAGE) == {"colour"}
    serving.switch(lab.store, "things", "second")
    assert (answering(lab, Kind.IMAGE), answering(lab, Kind.TEXT)) == ({"second"}, {"second"})
    assert answering(lab, Kind.IMAGE, space="colour") == {"colour"}, "it can still be named"

    serving.switch_back(lab.store, "things")
    assert (answering(lab, Kind.IMAGE), answering(lab, Kind.TEXT)) == ({"colour"}, {"colour"})
    serving.switch_back(lab.store, "things")
    assert answering(lab, Kind.IMAGE) == {"second"}, "going back can be undone as well"


def test_relevance_is_that_of_the_space_that_answers(lab: Lab) -> None:
    serving.switch(lab.store, "things", "second")
    answering(lab, Kind.IMAGE)
    fitted = {one.space for one in collections.get(lab.store, "things").calibrations}
    assert fitted == {"second"}


def test_without_a_switch_there_is_no_way_back(lab: Lab) -> None:
    with pytest.raises(Conflict, match="spaces switch NAME"):
        serving.switch_back(lab.store, "things")


def test_switching_to_what_answers_already_changes_nothing(lab: Lab) -> None:
    serving.switch(lab.store, "things", "second")
    serving.switch(lab.store, "things", "second")
    serving.switch_back(lab.store, "things")
    assert answering(lab, Kind.IMAGE) == {"colour"}


def test_what_was_switched_to_stays_when_a_better_fitting_space_is_filled(lab: Lab) -> None:
    serving.switch(lab.store, "things", "colour")  # which answers already
    fill(lab, "words")
    assert answering(lab, Kind.TEXT) == {"colour"}, "by itself it would be the specialist"
    with pytest.raises(Conflict, match="spaces switch NAME"):
        serving.switch_back(lab.store, "things")


def test_a_space_that_is_not_filled_is_switched_to_by_force_alone(lab: Lab) -> None:
    lab.ingest(found_text("/new.txt", "blue"), queue=LosingQueue())
    spaces.add(lab.store, "things", WORDS)
    with pytest.raises(Conflict, match="0 of 1 vectors"):
        serving.switch(lab.store, "things", "words")
    assert answering(lab, Kind.TEXT) == {"colour"}
    serving.switch(lab.store, "things", "words", force=True)
    requeue_unfilled(lab.store, lab.queue, "things")
    assert answering(lab, Kind.TEXT) == {"words"}


def test_each_space_answers_what_it_holds(lab: Lab) -> None:
    fill(lab, "words")
    serving.switch(lab.store, "things", "words")
    described = serving.switch(lab.store, "things", "second", kinds=[Kind.IMAGE])
    assert described.serving == {Kind.IMAGE: "second", Kind.TEXT: "words"}
    assert (answering(lab, Kind.IMAGE), answering(lab, Kind.TEXT)) == ({"second"}, {"words"})
    assert serving.serves(described, "second") == [Kind.IMAGE]
    with pytest.raises(InvalidInput, match="holds text only and cannot serve image"):
        serving.switch(lab.store, "things", "words", kinds=[Kind.IMAGE])
    with pytest.raises(InvalidInput, match="it has: colour, second, words"):
        serving.switch(lab.store, "things", "nowhere")


@pytest.mark.parametrize("space", ["second", "colour"])
def test_what_answers_and_what_the_way_back_needs_is_dropped_by_force_alone(
    lab: Lab, space: str
) -> None:
    serving.switch(lab.store, "things", "second")
    with pytest.raises(Conflict, match="Switch to another space first, or force it"):
        spaces.drop(lab.store, "things", space)
    spaces.drop(lab.store, "things", space, force=True)
    left = {"second", "colour"} - {space}
    assert answering(lab, Kind.IMAGE) == left
    with pytest.raises(Conflict, match="no space to go back to"):
        serving.switch_back(lab.store, "things")


def test_a_change_that_meets_another_is_made_again_on_top_of_it(lab: Lab) -> None:
    """As between two servers: what one writes while the other thinks is not lost."""
    seen: list[int] = []

    def slow(now: collections.Collection) -> collections.Collection:
        seen.append(len(now.fields))
        if len(seen) == 1:
            collections.remember_fields(lab.store, now, {"year": FieldType.NUMBER})
        return replace(now, serving={Kind.IMAGE: "second"})

    collections.change(lab.store, "things", slow)
    described = collections.get(lab.store, "things")
    assert seen == [0, 1]
    assert (described.serving, dict(described.fields)) == (
        {Kind.IMAGE: "second"},
        {"year": FieldType.NUMBER},
    )


def test_of_many_changes_at_once_none_is_lost(lab: Lab) -> None:
    def note(number: int) -> None:
        collections.remember_fields(
            lab.store, collections.get(lab.store, "things"), {f"f{number}": FieldType.NUMBER}
        )

    threads = [threading.Thread(target=note, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert {*collections.get(lab.store, "things").fields} == {f"f{n}" for n in range(6)}
