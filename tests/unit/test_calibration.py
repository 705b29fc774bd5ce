"""Figures are kept with the collection, shared, and made anew when it has changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from indexer import collections
from indexer.calibration import Calibrator, calibration_of, refresh
from indexer.domain import FieldType, Kind
from indexer.ports import VectorStore
from indexer.queries import Part, SearchQuery
from indexer.relevance import Calibration, Method
from indexer.search import search
from tests.lab import Lab, found_text, picture_in, png

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def add_pictures(lab: Lab, folder: Path, count: int) -> None:
    lab.ingest(*(picture_in(folder / f"{n}.png", (n, 255 - n, 40)) for n in range(count)))


def kept(lab: Lab) -> dict[tuple[Kind, Kind], Calibration]:
    told = collections.get(lab.store, "things").calibrations
    return {(one.asked, one.found): one for one in told}


def asked(lab: Lab, *parts: Part, **options: object) -> list[float | None]:
    query = SearchQuery(parts, **options)  # type: ignore[arg-type]
    return [hit.relevance for hit in search(lab.searcher, "things", query).hits]


def test_the_first_search_makes_the_figures_and_others_find_them(lab: Lab, tmp_path: Path) -> None:
    add_pictures(lab, tmp_path, 5)
    assert kept(lab) == {}
    asked(lab, Part(text="red"), kind=Kind.IMAGE)
    made = kept(lab)
    assert set(made) == {(Kind.TEXT, Kind.IMAGE)}
    assert made[Kind.TEXT, Kind.IMAGE].assets == 5
    assert made[Kind.TEXT, Kind.IMAGE].method is Method.MEANINGLESS
    embedded = len(lab.embedder.embedded)
    asked(lab, Part(text="red"), kind=Kind.IMAGE)
    assert len(lab.embedder.embedded) == embedded + 1, "the question alone"
    other_process = Calibrator(lab.store, lab.embedders)
    collection = collections.get(lab.store, "things")
    found = calibration_of(other_process, collection, collection.spaces[0], Kind.TEXT, Kind.IMAGE)
    assert found == made[Kind.TEXT, Kind.IMAGE]
    assert len(lab.embedder.embedded) == embedded + 1


class CallsTold:
    """Hands every call on to a store, and notes its name."""

    def __init__(self, store: VectorStore) -> None:
        self.calls: list[str] = []
        self._store = store

    def __getattr__(self, name: str) -> object:
        self.calls.append(name)
        return getattr(self._store, name)


def test_relevance_costs_no_trip_to_the_store(lab: Lab, tmp_path: Path) -> None:
    add_pictures(lab, tmp_path, 5)
    asked(lab, Part(text="red"), kind=Kind.IMAGE)
    told = CallsTold(lab.store)
    store = cast("VectorStore", told)
    searcher = replace(lab.searcher, store=store, calibrator=Calibrator(store, lab.embedders))
    answer = search(searcher, "things", SearchQuery((Part(text="red"),), kind=Kind.IMAGE))
    assert answer.hits[0].relevance is not None
    assert told.calls == ["get", "nearest"], "the collection's description, and the hits"


def test_an_empty_collection_has_no_figures_and_no_trouble(lab: Lab) -> None:
    assert asked(lab, Part(text="red")) == []
    assert refresh(lab.searcher.calibrator, "things") == 0
    assert kept(lab) == {}


def test_one_asset_is_enough(lab: Lab, tmp_path: Path) -> None:
    lab.ingest(picture_in(tmp_path / "red.png", RED))
    (red,) = asked(lab, Part(text="red"), kind=Kind.IMAGE)
    (blue,) = asked(lab, Part(text="blue"), kind=Kind.IMAGE)
    assert red is not None
    assert blue is not None
    assert blue < 0.5 < red


def test_growth_by_half_makes_them_anew_and_less_does_not(lab: Lab, tmp_path: Path) -> None:
    add_pictures(lab, tmp_path, 10)
    assert refresh(lab.searcher.calibrator, "things") == 2, "asked with texts and with pictures"
    add_pictures(lab, tmp_path, 14)
    assert refresh(lab.searcher.calibrator, "things") == 0
    add_pictures(lab, tmp_path, 15)
    assert refresh(lab.searcher.calibrator, "things") == 2
    assert {one.assets for one in kept(lab).values()} == {15}
    lab.ingest(found_text("/sea.txt", "The blue sea."))
    assert refresh(lab.searcher.calibrator, "things") == 2, "now texts can be found as well"
    assert len(kept(lab)) == 4


def test_figures_of_another_model_are_not_used(lab: Lab, tmp_path: Path) -> None:
    add_pictures(lab, tmp_path, 10)
    refresh(lab.searcher.calibrator, "things")
    other = [replace(one, fingerprint="another", clear=0.9) for one in kept(lab).values()]
    collections.keep_calibrations(lab.store, "things", other)
    asked(lab, Part(text="red"), kind=Kind.IMAGE)
    assert kept(lab)[Kind.TEXT, Kind.IMAGE].fingerprint == lab.collection.spaces[0].fingerprint


def test_without_the_model_the_stored_vectors_speak(lab: Lab, tmp_path: Path) -> None:
    add_pictures(lab, tmp_path, 9)
    like = Part(vector=(1, 0, 0, 0))
    lab.embedders.broken = True
    assert set(asked(lab, like, kind=Kind.IMAGE)) == {None}
    assert set(asked(lab, like, kind=Kind.IMAGE, min_relevance=0.5)) == {None}, "nothing to cut by"
    lab.embedders.broken = False
    add_pictures(lab, tmp_path, 60)
    lab.embedders.broken = True
    assert None not in asked(lab, like, kind=Kind.IMAGE)
    assert {one.method for one in kept(lab).values()} == {Method.STORED}
    lab.embedders.broken = False
    add_pictures(lab, tmp_path, 61)
    refresh(lab.searcher.calibrator, "things")
    assert {one.method for one in kept(lab).values()} == {Method.MEANINGLESS}


def test_new_fields_leave_the_figures_alone(lab: Lab, tmp_path: Path) -> None:
    before = collections.get(lab.store, "things")
    add_pictures(lab, tmp_path, 3)
    refresh(lab.searcher.calibrator, "things")
    # `before` was read when there were no figures, as by an ingest that is still at work.
    collections.remember_fields(lab.store, before, {"year": FieldType.NUMBER})
    assert len(kept(lab)) == 2


@pytest.mark.parametrize("least", [0.0, 0.3, 0.5, 0.9, 1.0])
def test_a_cut_off_takes_the_end_of_the_ranking(lab: Lab, tmp_path: Path, least: float) -> None:
    colours = {"red": RED, "pink": (255, 80, 80), "brown": (120, 60, 40), "green": GREEN}
    for name, colour in {**colours, "blue": BLUE}.items():
        lab.ingest(picture_in(tmp_path / f"{name}.png", colour))
    whole = asked(lab, Part(text="red"), kind=Kind.IMAGE)
    assert whole == sorted(whole, key=lambda each: -(each or 0.0)), "as the score has it"
    kept_hits = asked(lab, Part(text="red"), kind=Kind.IMAGE, min_relevance=least)
    assert kept_hits == [each for each in whole if (each or 0.0) >= least]
    rest = asked(lab, Part(text="red"), kind=Kind.IMAGE, min_relevance=least, offset=1)
    assert rest == kept_hits[1:]


def test_what_holds_every_word_is_a_clear_match(lab: Lab) -> None:
    lab.ingest(
        found_text("/a.txt", "Invoice 4711 for a blue boat"),
        found_text("/b.txt", "Invoice 4712 for a green boat"),
    )
    both = SearchQuery((Part(text="The INVOICE, 4711"),), kind=Kind.TEXT)
    told = {
        hit.asset.sources[0].path: hit.relevance
        for hit in search(lab.searcher, "things", both).hits
    }
    assert told["/a.txt"] == 0.5
    assert (told["/b.txt"] or 1.0) < 0.5, "it holds one word of two"
    (clear,) = search(lab.searcher, "things", replace(both, min_relevance=0.5)).hits
    assert clear.asset.sources[0].path == "/a.txt"
    by_meaning = search(lab.searcher, "things", replace(both, min_relevance=0.5, hybrid=False))
    assert by_meaning.hits == ()


def test_from_the_far_end_nothing_is_cut_off(lab: Lab, tmp_path: Path) -> None:
    add_pictures(lab, tmp_path, 4)
    far = asked(lab, Part(text="red"), kind=Kind.IMAGE, least=True, min_relevance=0.9)
    assert len(far) == 4


def test_a_picture_that_is_there_is_found_as_a_clear_match(lab: Lab, tmp_path: Path) -> None:
    for name, colour in {"red": RED, "green": GREEN, "blue": BLUE}.items():
        lab.ingest(picture_in(tmp_path / f"{name}.png", colour))
    relevances = asked(lab, Part(image=png(RED)), kind=Kind.IMAGE)
    assert relevances[0] is not None
    assert relevances[0] >= 0.5
