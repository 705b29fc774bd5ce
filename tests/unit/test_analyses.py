"""Analyses in the ledger: asked for, run, kept, stale, cancelled, taken up again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer import collections, departures, spaces
from indexer.analysis import artefacts, asking, entries, rows, running
from indexer.analysis.asking import Asked
from indexer.analysis.entry import Analysis, State, Within
from indexer.analysis.method import Outcome, Stopped
from indexer.analysis.staleness import Staleness, staleness
from indexer.analysis.subject import Access
from indexer.domain import Kind, PointVectors
from indexer.errors import AnalysisNotFound, Conflict, InvalidInput, TooFewAssets
from tests.fakes import ColourEmbedder, PictureOnlyEmbedder
from tests.lab import LIMITS, Lab, found_text, open_lab, picture_in

COLOURS = {
    "red": (255, 0, 0),
    "crimson": (240, 20, 20),
    "blue": (0, 0, 255),
    "navy": (20, 20, 240),
}


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Four pictures: two red, two blue."""
    for lab in open_lab(tmp_path, ColourEmbedder()):
        files = (picture_in(tmp_path / f"{name}.png", COLOURS[name]) for name in COLOURS)
        lab.ingest(*files)
        yield lab


def access(lab: Lab) -> Access:
    return Access(lab.store, lab.blobs, lab.embedders, LIMITS)


def asked(lab: Lab, **options: object) -> Analysis:
    return asking.ask(lab.store, "things", Asked("neighbours", **options))  # type: ignore[arg-type]


def done(lab: Lab, **options: object) -> Analysis:
    analysis = asked(lab, **options)
    running.run(access(lab), "things", analysis.id)
    return entries.get(lab.store, "things", analysis.id)


def names(lab: Lab) -> dict[str, str]:
    """The file's stem by the asset's id."""
    points, _ = lab.store.scroll("things", limit=100)
    return {
        point.id: Path(str(point.payload["sources"][0]["path"])).stem  # type: ignore[index]
        for point in points
        if point.payload.get("entry") == "asset"
    }


def test_each_picture_is_nearest_to_the_other_of_its_colour(lab: Lab) -> None:
    analysis = done(lab, parameters={"k": 1})
    assert (analysis.state, analysis.assets, analysis.without_vectors) == (State.DONE, 4, 0)
    table = artefacts.load(lab.blobs, analysis, "neighbours").to_pylist()
    named = names(lab)
    nearest = {named[row["id"]]: [named[id] for id in row["neighbour_ids"]] for row in table}
    assert nearest == {
        "red": ["crimson"],
        "crimson": ["red"],
        "blue": ["navy"],
        "navy": ["blue"],
    }


def test_a_kept_table_says_what_it_is(lab: Lab) -> None:
    analysis = done(lab, parameters={"k": 2, "seed": 7})
    table = artefacts.load(lab.blobs, analysis, "neighbours")
    about = json.loads(table.schema.metadata[b"semblance"])
    assert about["analysis"] == "neighbours"
    assert (about["space"], about["fingerprint"]) == ("colour", "colour-1")
    assert about["parameters"] == {"k": 2, "seed": 7}
    assert (about["seed"], about["assets"]) == (7, 4)


def test_k_beyond_what_there_is_gives_all_there_are(lab: Lab) -> None:
    analysis = done(lab, parameters={"k": 100})
    table = artefacts.load(lab.blobs, analysis, "neighbours").to_pylist()
    assert {len(row["neighbour_ids"]) for row in table} == {3}
    assert analysis.summary["k"] == 3


def test_pictures_are_looked_at_without_texts_unless_texts_are_asked_for(lab: Lab) -> None:
    lab.ingest(found_text("/a.txt", "red red", "blue", "green"))
    assert done(lab).assets == 4
    assert done(lab, kind=Kind.TEXT).assets == 3


def test_the_graph_is_kept_and_follows_what_is_added(lab: Lab, tmp_path: Path) -> None:
    done(lab)
    (first,) = entries.every(lab.store, "things", "graph")
    done(lab)
    assert [one.id for one in entries.every(lab.store, "things", "graph")] == [first.id]
    lab.ingest(picture_in(tmp_path / "scarlet.png", (255, 0, 30)))
    table = artefacts.load(lab.blobs, done(lab, parameters={"k": 1}), "neighbours").to_pylist()
    named = names(lab)
    nearest = {named[row["id"]]: [named[id] for id in row["neighbour_ids"]] for row in table}
    assert nearest["scarlet"] in (["red"], ["crimson"])
    (second,) = entries.every(lab.store, "things", "graph")
    assert second.assets == 5
    assert not lab.blobs.has(first.tables["graph"].blob)


def test_what_changed_since_is_counted(lab: Lab, tmp_path: Path) -> None:
    analysis = done(lab)
    assert staleness(lab.store, analysis) == Staleness()
    lab.ingest(picture_in(tmp_path / "green.png", (0, 255, 0)))
    red = next(id for id, name in names(lab).items() if name == "red")
    lab.store.delete("things", [red])
    assert staleness(lab.store, analysis) == Staleness(added=1, removed=1)
    assert not staleness(lab.store, done(lab))


def test_assets_without_a_vector_are_left_out_and_counted(lab: Lab) -> None:
    sight = PictureOnlyEmbedder()
    spaces.add(lab.store, "things", collections.space_of(sight))
    ids = list(names(lab))[:2]
    east = np.eye(4, dtype=np.float32)[0]
    lab.store.write_vectors("things", [PointVectors(id, {"sight": east}) for id in ids])
    analysis = done(lab, space="sight")
    assert (analysis.assets, analysis.without_vectors) == (2, 2)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_assets_are_said_before_anything_begins(tmp_path: Path, count: int) -> None:
    for lab in open_lab(tmp_path, ColourEmbedder()):
        for name in list(COLOURS)[:count]:
            lab.ingest(picture_in(tmp_path / f"{name}.png", COLOURS[name]))
        with pytest.raises(TooFewAssets, match=f"needs at least 2; there are {count} "):
            asked(lab)
        assert entries.every(lab.store, "things") == []


def test_what_is_not_there_is_named(lab: Lab) -> None:
    with pytest.raises(InvalidInput, match="has no space 'nope'; it has: colour"):
        asked(lab, space="nope")
    with pytest.raises(InvalidInput, match=r"k: .*greater than or equal to 1"):
        asked(lab, parameters={"k": 0})
    with pytest.raises(InvalidInput, match="There is no analysis called 'nope'"):
        asking.ask(lab.store, "things", Asked("nope"))
    with pytest.raises(AnalysisNotFound):
        asked(lab, within=Within("0" * 8, "members", "cluster", 1))


def test_identical_pictures_are_neighbours_at_one(lab: Lab) -> None:
    same = np.eye(4, dtype=np.float32)[1]
    lab.store.write_vectors("things", [PointVectors(id, {"colour": same}) for id in names(lab)])
    table = artefacts.load(lab.blobs, done(lab), "neighbours").to_pylist()
    for row in table:
        assert row["similarities"] == pytest.approx([1, 1, 1])
        assert row["id"] not in row["neighbour_ids"]


def test_an_analysis_over_a_part_looks_at_that_part_alone(lab: Lab) -> None:
    whole = done(lab)
    assert done(lab, filter={"field": "width", "gte": 1}).assets == 4
    with pytest.raises(TooFewAssets, match="widen the filter"):
        asked(lab, filter={"field": "width", "gt": 99})
    red = next(id for id, name in names(lab).items() if name == "red")
    within = Within(whole.id[:8], "neighbours", "id", red)
    alone = done(lab, within=within)
    assert alone.error is not None
    assert alone.error.code == "too_few_assets"


def test_cancelled_in_the_middle_it_stops_and_keeps_nothing(lab: Lab) -> None:
    analysis = asked(lab)

    def cancel() -> bool:
        if entries.get(lab.store, "things", analysis.id).state is State.RUNNING:
            entries.cancel(lab.store, entries.get(lab.store, "things", analysis.id))
        return False

    running.run(access(lab), "things", analysis.id, stopping=cancel)
    told = entries.get(lab.store, "things", analysis.id)
    assert (told.state, dict(told.tables)) == (State.CANCELLED, {})
    with pytest.raises(Conflict):
        entries.cancel(lab.store, told)


def test_deleted_in_the_middle_it_is_gone(lab: Lab) -> None:
    analysis = asked(lab)

    def delete() -> bool:
        lab.store.delete("things", [analysis.id])
        return False

    running.run(access(lab), "things", analysis.id, stopping=delete)
    with pytest.raises(AnalysisNotFound):
        entries.get(lab.store, "things", analysis.id)


def test_a_process_that_ends_leaves_it_to_be_begun_anew(lab: Lab) -> None:
    analysis = asked(lab)
    with pytest.raises(Stopped):
        running.run(access(lab), "things", analysis.id, stopping=lambda: True)
    (unfinished,) = entries.unfinished(lab.store, "things")
    assert (unfinished.id, unfinished.attempts) == (analysis.id, 0)
    running.run(access(lab), "things", analysis.id)
    assert entries.get(lab.store, "things", analysis.id).state is State.DONE


def test_what_ends_its_process_again_and_again_is_given_up(lab: Lab) -> None:
    analysis = asked(lab)
    entries.write(lab.store, analysis, attempts=running.MOST_ATTEMPTS)
    running.run(access(lab), "things", analysis.id)
    told = entries.get(lab.store, "things", analysis.id)
    assert told.state is State.FAILED
    assert told.error is not None
    assert told.error.code == "worker_lost"


def test_its_files_go_with_it_and_with_its_collection(lab: Lab) -> None:
    first, second = done(lab), done(lab)
    running.remove(access(lab), first)
    assert not lab.blobs.has(first.tables["neighbours"].blob)
    assert lab.blobs.has(second.tables["neighbours"].blob)
    departures.drop_collection(lab.store, lab.blobs, "things")
    assert not lab.blobs.has(second.tables["neighbours"].blob)


def test_tables_that_are_gone_are_said_to_be(lab: Lab) -> None:
    analysis = done(lab)
    artefacts.forget(lab.blobs, analysis)
    with pytest.raises(AnalysisNotFound, match="run it again"):
        artefacts.load(lab.blobs, analysis, "neighbours")
    with pytest.raises(InvalidInput, match="has no table 'nope'; it has: neighbours"):
        artefacts.load(lab.blobs, analysis, "nope")


def test_an_edit_puts_other_tables_in_their_place(lab: Lab) -> None:
    analysis = done(lab)
    table = artefacts.load(lab.blobs, analysis, "neighbours")
    edited = running.amend(
        access(lab), analysis, Outcome({"edited": np.int64(1)}, {"neighbours": table.slice(0, 2)})
    )
    assert edited.changed_at is not None
    assert edited.summary == {"edited": 1}
    assert artefacts.load(lab.blobs, edited, "neighbours").num_rows == 2
    assert not lab.blobs.has(analysis.tables["neighbours"].blob)


def test_rows_come_by_page_by_value_and_in_order(lab: Lab) -> None:
    analysis = done(lab)
    whole = artefacts.load(lab.blobs, analysis, "neighbours")
    page = rows.page(lab.blobs, analysis, "neighbours", rows.Choice(offset=1, limit=2))
    assert (page.total, page.rows.to_pylist()) == (4, whole.to_pylist()[1:3])
    last = rows.page(
        lab.blobs, analysis, "neighbours", rows.Choice(order="id", descending=True, limit=1)
    )
    assert last.rows.column("id").to_pylist() == [max(whole.column("id").to_pylist())]
    one = whole.column("id")[2].as_py()
    chosen = rows.Choice(column="id", value=one, columns=["id"])
    found = rows.page(lab.blobs, analysis, "neighbours", chosen)
    assert (found.total, found.rows.to_pylist()) == (1, [{"id": one}])
    assert set(rows.named_assets(whole)) == set(names(lab))
    with pytest.raises(InvalidInput, match="no column 'nope'"):
        rows.page(lab.blobs, analysis, "neighbours", rows.Choice(order="nope"))
