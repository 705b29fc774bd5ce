"""A second model for what is there already: filled in the background, resumable, dropped again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from indexer import collections, spaces
from indexer.assets import list_assets
from indexer.domain import Kind, Space, Status
from indexer.errors import Conflict, InvalidInput, SpaceMismatch, SpaceNotFound
from indexer.failures import failures
from indexer.filters import HasVector
from indexer.queries import Part, SearchQuery
from indexer.recovery import requeue_pending, requeue_unfilled, retry_failed
from indexer.search import search
from tests.fakes import ColourEmbedder, LosingQueue, TextOnlyEmbedder
from tests.lab import Lab, found_text, picture_in

WORDS = collections.space_of(TextOnlyEmbedder())


class SecondSight(ColourEmbedder):
    """Another model for both Kinds."""

    name = "second"
    fingerprint = "second-1"


SECOND = collections.space_of(SecondSight())


@pytest.fixture
def lab(make_lab: Callable[..., Lab], tmp_path: Path) -> Lab:
    """Two pictures and a text in one Space; further models are at hand."""
    lab = make_lab(ColourEmbedder())
    lab.embedders.know(TextOnlyEmbedder(), SecondSight())
    lab.ingest(
        picture_in(tmp_path / "red.png", (255, 0, 0)),
        picture_in(tmp_path / "blue.png", (0, 0, 255)),
        found_text("/t.txt", "green"),
    )
    return lab


def vectors(lab: Lab, space: str) -> int:
    return lab.store.count("things", HasVector(space))


def space(lab: Lab, name: str) -> Space:
    return collections.get(lab.store, "things").space(name)


def state(lab: Lab, name: str) -> tuple[int, int | None, int, bool]:
    filling = spaces.filling(lab.store, "things", space(lab, name))
    return filling.vectors, filling.wanted, filling.failed, filling.complete


def test_a_new_space_wants_just_what_lacks_it(lab: Lab) -> None:
    spaces.add(lab.store, "things", WORDS)
    assert state(lab, "words") == (0, 1, 0, False)
    queue = LosingQueue()
    assert requeue_unfilled(lab.store, queue, "things") == 1
    (text,) = (asset for asset in list_assets(lab.store, "things")[0] if asset.kind is Kind.TEXT)
    assert queue.lost == [text.id]


def test_filling_leaves_the_old_space_as_it_was(lab: Lab) -> None:
    embedded = list(lab.embedder.embedded)
    spaces.add(lab.store, "things", SECOND)
    requeue_unfilled(lab.store, lab.queue, "things")
    assert state(lab, "second") == (3, 3, 0, True)
    assert lab.embedder.embedded == embedded, "the first model had nothing to do"
    assert lab.totals.indexed == 3


def test_a_fill_that_was_cut_off_goes_on_where_it_was(lab: Lab) -> None:
    spaces.add(lab.store, "things", SECOND)
    lost = LosingQueue()
    requeue_unfilled(lab.store, lost, "things")
    lab.index(lost.lost[:1])
    assert requeue_unfilled(lab.store, lost, "things") == 2
    requeue_unfilled(lab.store, lab.queue, "things")
    assert requeue_unfilled(lab.store, lost, "things") == 0


def test_what_is_added_meanwhile_gets_both(lab: Lab) -> None:
    spaces.add(lab.store, "things", SECOND)
    lab.ingest(found_text("/new.txt", "red"))
    assert (vectors(lab, "colour"), vectors(lab, "second")) == (4, 1)


def test_an_asset_that_cannot_be_filled_stays_indexed_and_says_why(
    lab: Lab, tmp_path: Path
) -> None:
    hidden = (tmp_path / "red.png").rename(tmp_path / "hidden.png")
    spaces.add(lab.store, "things", SECOND)
    requeue_unfilled(lab.store, lab.queue, "things")
    assert state(lab, "second") == (2, 3, 1, False)
    assert spaces.filling(lab.store, "things", space(lab, "second")).waiting == 0
    assert (lab.totals.indexed, lab.totals.failed) == (3, 0)
    (failure,) = failures(lab.store, "things")
    assert failure.path.endswith("red.png")
    assert "space second" in failure.reason.message

    assert requeue_unfilled(lab.store, lab.queue, "things") == 0, "it is not tried for ever"
    hidden.rename(tmp_path / "red.png")
    assert retry_failed(lab.store, "things").assets == 1
    requeue_unfilled(lab.store, lab.queue, "things")
    assert state(lab, "second") == (3, 3, 0, True)
    assert failures(lab.store, "things") == []


def test_searches_say_that_a_space_is_being_filled_and_prefer_one_that_is_not(lab: Lab) -> None:
    spaces.add(lab.store, "things", WORDS)
    question = SearchQuery((Part(text="green"),), kind=Kind.TEXT)
    answer = search(lab.searcher, "things", question)
    assert ({hit.space for hit in answer.hits}, answer.filling) == ({"colour"}, ())

    named = SearchQuery((Part(text="green"),), kind=Kind.TEXT, space="words")
    answer = search(lab.searcher, "things", named)
    assert answer.hits == ()
    assert [(one.space.name, one.vectors, one.wanted) for one in answer.filling] == [
        ("words", 0, 1)
    ]

    requeue_unfilled(lab.store, lab.queue, "things")
    spaces.settle(lab.store, "things")
    answer = search(lab.searcher, "things", question)
    assert ({hit.space for hit in answer.hits}, answer.filling) == ({"words"}, ())


def test_adding_the_same_space_again_changes_nothing(lab: Lab) -> None:
    spaces.add(lab.store, "things", SECOND)
    requeue_unfilled(lab.store, lab.queue, "things")
    spaces.add(lab.store, "things", SECOND)
    assert vectors(lab, "second") == 3
    assert len(collections.get(lab.store, "things").spaces) == 2


def test_another_version_of_a_model_never_mixes(lab: Lab) -> None:
    spaces.add(lab.store, "things", SECOND)
    other = Space("second", 4, "second", "second-2", SECOND.kinds)
    with pytest.raises(SpaceMismatch, match="Drop it first"):
        spaces.add(lab.store, "things", other)


def test_a_kill_between_the_field_and_its_description_is_repaired_by_adding_again(
    lab: Lab,
) -> None:
    stale = Space("second", 7, "earlier", "x", SECOND.kinds)
    lab.store.add_space("things", stale)  # of an earlier attempt, with another model
    spaces.add(lab.store, "things", SECOND)
    requeue_unfilled(lab.store, lab.queue, "things")
    assert state(lab, "second") == (3, 3, 0, True)


def test_a_description_without_its_field_is_repaired_by_adding_again(lab: Lab) -> None:
    spaces.add(lab.store, "things", SECOND)
    lab.store.drop_space("things", "second")
    spaces.add(lab.store, "things", SECOND)
    requeue_unfilled(lab.store, lab.queue, "things")
    assert state(lab, "second") == (3, 3, 0, True)


def test_a_drop_that_was_cut_off_is_finished_by_dropping_again(lab: Lab) -> None:
    lab.store.add_space("things", SECOND)  # the description is gone already, the field is not
    spaces.drop(lab.store, "things", "second")
    with pytest.raises(InvalidInput):
        vectors(lab, "second")
    with pytest.raises(SpaceNotFound, match="it has: colour"):
        spaces.drop(lab.store, "things", "second")


def test_a_dropped_space_takes_its_gaps_along(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "red.png").unlink()
    spaces.add(lab.store, "things", SECOND)
    requeue_unfilled(lab.store, lab.queue, "things")
    spaces.drop(lab.store, "things", "second")
    assert failures(lab.store, "things") == []
    assert [one.name for one in collections.get(lab.store, "things").spaces] == ["colour"]


def test_the_last_space_stays(lab: Lab) -> None:
    with pytest.raises(Conflict, match="only space"):
        spaces.drop(lab.store, "things", "colour")
    assert vectors(lab, "colour") == 3


def test_what_no_model_sees_any_more_is_set_aside_and_taken_up_again(lab: Lab) -> None:
    spaces.add(lab.store, "things", WORDS)
    requeue_unfilled(lab.store, lab.queue, "things")
    spaces.drop(lab.store, "things", "colour")
    assert (lab.totals.indexed, lab.totals.skipped) == (1, 2)

    spaces.add(lab.store, "things", SECOND)
    assert requeue_pending(lab.store, lab.queue, "things") == 2
    requeue_unfilled(lab.store, lab.queue, "things")
    assert (lab.totals.indexed, lab.totals.skipped) == (3, 0)
    assert state(lab, "second") == (3, 3, 0, True)


def test_a_space_dropped_while_it_is_filled_fails_nothing(lab: Lab) -> None:
    spaces.add(lab.store, "things", SECOND)
    lost = LosingQueue()
    lab.ingest(found_text("/new.txt", "red"), queue=lost)
    embedder = lab.embedders.get("second")
    embed = embedder.embed_texts

    def embed_and_drop(texts: list[str]) -> object:
        if "second" in [one.name for one in collections.get(lab.store, "things").spaces]:
            spaces.drop(lab.store, "things", "second")
        return embed(texts)

    embedder.embed_texts = embed_and_drop  # type: ignore[method-assign, assignment]
    lab.index(lost.lost)
    assert {asset.status for asset in list_assets(lab.store, "things")[0]} == {Status.INDEXED}


def test_fields_noted_by_a_job_that_began_earlier_keep_the_new_space(lab: Lab) -> None:
    spaces.add(lab.store, "things", SECOND)
    # the lab's ingest works with the description as it was before
    lab.ingest(found_text("/labelled.txt", "red", metadata={"label": "x"}))
    now = collections.get(lab.store, "things")
    assert [one.name for one in now.spaces] == ["colour", "second"]
    assert "label" in now.fields


def test_a_space_added_while_a_job_runs_is_filled_by_that_job(lab: Lab) -> None:
    lost = LosingQueue()
    lab.ingest(found_text("/new.txt", "red"), queue=lost)
    embed = lab.embedder.embed_texts

    def add_and_embed(texts: list[str]) -> object:
        spaces.add(lab.store, "things", SECOND)
        return embed(texts)

    lab.embedder.embed_texts = add_and_embed  # type: ignore[method-assign, assignment]
    lab.index(lost.lost)
    assert vectors(lab, "second") == 1
