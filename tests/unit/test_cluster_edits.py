"""Clusters as an analysis of a real store, and as tables that a person edits, checked by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from indexer.analysis import artefacts, asking, entries, running
from indexer.analysis.asking import Asked
from indexer.analysis.clusters import edits, keeping
from indexer.analysis.clusters.tables import (
    Centres,
    Cluster,
    Members,
    centres_in,
    clusters_in,
    clusters_tables,
    highest_in,
    members_in,
)
from indexer.analysis.entry import Analysis, State
from indexer.errors import Conflict, InvalidInput
from tests.fakes import ColourEmbedder, PictureOnlyEmbedder
from tests.lab import Lab, engine_of, found_picture, open_lab, picture_in

ELEVEN = np.cos(np.radians(11.25))


@pytest.fixture(params=[ColourEmbedder, PictureOnlyEmbedder])
def lab(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Lab]:
    yield from open_lab(tmp_path / "lab", request.param())


def paint(lab: Lab, folder: Path, *colours: tuple[int, int, int]) -> None:
    for number, colour in enumerate(colours):
        lab.ingest(picture_in(folder / f"{number}-{colour}.png", colour))


def clusters_of(lab: Lab, **parameters: object) -> Analysis:
    asked = asking.ask(lab.store, "things", Asked("clusters", parameters=parameters))
    running.run(engine_of(lab).access, "things", asked.id)
    return entries.get(lab.store, "things", asked.id)


def rows(lab: Lab, analysis: Analysis) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = artefacts.load(lab.blobs, analysis, "clusters").to_pylist()
    return found


def test_one_picture_is_one_cluster(lab: Lab, tmp_path: Path) -> None:
    paint(lab, tmp_path, (255, 0, 0))
    (row,) = rows(lab, clusters_of(lab))
    assert (row["size"], row["cohesion"], row["parent"]) == (1, pytest.approx(1), None)


@pytest.mark.parametrize("by", ["kmeans", "density"])
def test_what_is_all_the_same_is_one_cluster(lab: Lab, tmp_path: Path, by: str) -> None:
    # other pictures, but one colour each: the model sees no difference
    for side in range(10, 16):
        file = tmp_path / f"{side}.png"
        PIL.Image.new("RGB", (side, side), (255, 0, 0)).save(file)
        lab.ingest(found_picture(file))
    analysis = clusters_of(lab, by=by)
    assert (analysis.summary["clusters"], analysis.summary["noise"]) == (1, 0)
    assert "the same" in str(analysis.summary["remark"])


def test_more_clusters_than_assets_are_refused(lab: Lab, tmp_path: Path) -> None:
    paint(lab, tmp_path, (255, 0, 0), (0, 0, 255))
    failed = clusters_of(lab, k=3)
    assert failed.state is State.FAILED
    assert failed.error is not None
    assert failed.error.message == (
        "2 assets cannot make 3 clusters; give a k of at most 2, or none."
    )
    with pytest.raises(Conflict, match="no clusters to change"):
        keeping.rename(engine_of(lab).access, failed, 1, "x")


def test_density_in_few_assets_says_that_nothing_stands_out(lab: Lab, tmp_path: Path) -> None:
    paint(lab, tmp_path, (255, 0, 0), (0, 0, 255), (0, 255, 0))
    analysis = clusters_of(lab, by="density")
    assert (analysis.summary["clusters"], analysis.summary["noise_share"]) == (0, 1.0)
    assert "Try a lower `smallest`" in str(analysis.summary["remark"])
    assert set(artefacts.load(lab.blobs, analysis, "members")["cluster"].to_pylist()) == {-1}


def test_names_come_from_the_model_or_are_numbers(lab: Lab, tmp_path: Path) -> None:
    paint(lab, tmp_path, (255, 0, 0), (240, 9, 9), (0, 0, 255), (9, 9, 240))
    if lab.embedder.name == "sight":  # reads no text
        told = rows(lab, clusters_of(lab, k=2))
        assert [row["name"] for row in told] == ["Cluster 1", "Cluster 2"]
        assert [(row["terms"], row["named_by"]) for row in told] == [([], "number")] * 2
        failed = clusters_of(lab, k=2, terms=["red", "blue"])
        assert failed.error is not None
        assert "no model that reads texts" in failed.error.message
        return
    told = rows(lab, clusters_of(lab, k=2, terms=["red", "blue", "green"]))
    assert {row["terms"][0] for row in told} == {"red", "blue"}
    before = len(lab.embedder.embedded)
    clusters_of(lab, k=2, terms=["red", "blue", "green"])
    assert len(lab.embedder.embedded) == before, "the terms' vectors are kept"


def at(*degrees: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    turned = np.radians(degrees)
    return np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)


def two() -> dict[str, Any]:
    """Cluster 1: a and b at 0 and 22.5 degrees; cluster 2: c at 45; d at 180 in none."""
    clusters = [
        Cluster(1, "east", ("east", "dawn"), "words", 2, float(ELEVEN), ("a", "b")),
        Cluster(2, "north-east", ("north",), "words", 1, 1.0, ("c",)),
    ]
    members = Members(
        list("abcd"),
        np.array([1, 1, 2, -1], np.int32),
        np.array([ELEVEN, ELEVEN, 1, -0.9], np.float32),
        np.full(4, np.nan, np.float32),
    )
    centres = Centres([1, 2], np.array([ELEVEN, 1], np.float32), at(11.25, 45))
    return clusters_tables(clusters, members, centres)


def test_a_person_renames() -> None:
    tables = edits.renamed(two(), 2, "  up   there ")
    named = {one.cluster: (one.name, one.named_by) for one in clusters_in(tables["clusters"])}
    assert named == {1: ("east", "words"), 2: ("up there", "person")}
    assert "up there" in tables["hierarchy"]["name"].to_pylist()
    assert tables["members"].equals(two()["members"])


@pytest.mark.parametrize(
    ("cluster", "name", "told"),
    [(2, "east", "is called 'east' already"), (2, " ", "1 to 200"), (7, "x", "There are: 1, 2")],
)
def test_names_that_cannot_be_are_refused(cluster: int, name: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        edits.renamed(two(), cluster, name)


def test_two_become_one() -> None:
    vectors = dict(zip("abc", at(0, 22.5, 45), strict=True))
    tables = edits.merged(two(), [2, 1], None, vectors)
    (one,) = clusters_in(tables["clusters"])
    assert (one.cluster, one.name, one.size) == (2, "east", 3)
    assert [*one.terms] == ["east", "dawn", "north"]
    # the sum of the three points at 22.5 degrees
    assert centres_in(tables["centres"]).vectors == pytest.approx(at(22.5), abs=1e-6)
    side = np.cos(np.radians(22.5))
    assert one.cohesion == pytest.approx((1 + 2 * side) / 3)
    assert one.representative_ids[0] == "b"
    members = members_in(tables["members"])
    assert dict(zip(members.ids, members.clusters.tolist(), strict=True)) == {
        **dict.fromkeys("abc", 2),
        "d": -1,
    }
    assert highest_in(tables["clusters"]) == 2
    assert highest_in(edits.merged(two(), [1, 2], None, vectors)["clusters"]) == 2, "2 is gone"
    with pytest.raises(InvalidInput, match="at least two different"):
        edits.merged(two(), [1, 1], None, {})
    with pytest.raises(InvalidInput, match="There is no cluster 3"):
        edits.merged(two(), [1, 3], None, {})


@pytest.mark.parametrize(("all_belong", "stray"), [(True, 2), (False, -1)])
def test_newcomers_are_assigned_and_the_deleted_leave(all_belong: bool, stray: int) -> None:
    # b is gone; e lies in the middle of cluster 1, f is nearest to 2 but far away
    tables = edits.brought_up_to_date(
        two(), list("acdef"), at(0, 45, 180, 11.25, 120), all_belong=all_belong
    )
    members = members_in(tables["members"])
    told = dict(zip(members.ids, members.clusters.tolist(), strict=True))
    assert told == {"a": 1, "c": 2, "d": -1, "e": 1, "f": stray}
    sizes = {one.cluster: one.size for one in clusters_in(tables["clusters"])}
    assert sizes == {1: 2, 2: 2 if all_belong else 1}


def test_tables_come_back_as_they_went() -> None:
    tables = two()
    members = members_in(tables["members"])
    assert np.isnan(members.probabilities).all()
    assert tables["members"]["probability"].null_count == 4
    again = clusters_tables(clusters_in(tables["clusters"]), members, centres_in(tables["centres"]))
    assert all(again[name].equals(tables[name]) for name in tables)
    empty = clusters_tables(
        [],
        replace(members, clusters=np.full(4, -1, np.int32)),
        Centres([], np.empty(0, np.float32), np.empty((0, 2), np.float32)),
    )
    assert [empty[name].num_rows for name in ("clusters", "members", "centres", "hierarchy")] == [
        0,
        4,
        0,
        0,
    ]
    assert centres_in(empty["centres"]).clusters == []
