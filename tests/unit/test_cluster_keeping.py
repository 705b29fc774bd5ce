"""Clusters of an analysis that is kept: saved as labels, brought up to date, and run again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from indexer import assets
from indexer.analysis import entries
from indexer.analysis.clusters import keeping
from indexer.analysis.labels import saved
from indexer.analysis.staleness import Staleness, staleness
from indexer.blobs.folder import FolderBlobs
from indexer.content import Content
from indexer.errors import Conflict, DiskFull, InvalidInput
from indexer.ledger import assets_where, scroll_all
from tests.lab import Lab, engine_of
from tests.unit.test_cluster_edits import clusters_of, paint, rows


def metadata_of(lab: Lab) -> dict[str, dict[str, object]]:
    """By the name of the picture's file."""
    points = scroll_all(lab.store, "things", assets_where())
    found = (assets.get_asset(lab.store, "things", point.id) for point in points)
    return {Path(one.sources[0].path).name[0]: dict(one.metadata) for one in found}


def test_names_are_saved_brought_up_to_date_and_taken_out(lab: Lab, tmp_path: Path) -> None:
    paint(lab, tmp_path, (255, 0, 0), (240, 9, 9), (0, 0, 255), (9, 9, 240))
    access, analysis = engine_of(lab).access, clusters_of(lab, k=2)
    analysis = keeping.rename(access, analysis, 1, "One")
    analysis = keeping.rename(access, analysis, 2, "Two")

    assert keeping.label(access, analysis, "motif") == 4
    before = metadata_of(lab)
    assert {one["motif"] for one in before.values()} == {"One", "Two"}

    analysis = keeping.rename(access, entries.get(lab.store, "things", analysis.id), 1, "Uno")
    assert keeping.label(access, analysis, "motif", [1]) == 2
    told = {place: {"One": "Uno"}.get(str(m["motif"]), "Two") for place, m in before.items()}
    assert {place: m["motif"] for place, m in metadata_of(lab).items()} == told

    assert saved.drop(access, entries.get(lab.store, "things", analysis.id), "motif") == 4
    assert metadata_of(lab) == {place: {} for place in before}


def test_labels_of_clusters_overwrite_nothing(lab: Lab, tmp_path: Path) -> None:
    paint(lab, tmp_path, (255, 0, 0), (240, 9, 9), (0, 0, 255), (9, 9, 240))
    access, analysis = engine_of(lab).access, clusters_of(lab, k=2)
    (point, *_) = scroll_all(lab.store, "things", assets_where())
    assets.describe(lab.store, "things", point.id, {"title": "Poppies"})
    before = metadata_of(lab)

    with pytest.raises(Conflict, match="another value in 'title'"):
        keeping.label(access, analysis, "title")
    assert metadata_of(lab) == before
    with pytest.raises(InvalidInput, match="names no field"):
        keeping.label(access, analysis, "!!")


def test_numbers_are_given_once_over_all_runs(lab: Lab, tmp_path: Path) -> None:
    reds, blues, greens = ((255, 0, 0), (240, 9, 9)), ((0, 0, 255), (9, 9, 240)), (0, 255, 0)
    paint(lab, tmp_path, *reds, *blues, greens)
    numbers = [{row["cluster"] for row in rows(lab, clusters_of(lab, k=k))} for k in (3, 2, 3)]
    assert numbers[0] == {1, 2, 3}
    assert numbers[1] < numbers[0]
    assert numbers[2] == numbers[1] | {4}


def test_more_clusters_than_a_person_could_look_at_are_refused(lab: Lab) -> None:
    with pytest.raises(InvalidInput, match=r"\bk\b.*2000"):
        clusters_of(lab, k=2_001)


def test_newcomers_that_could_not_be_assigned_still_count_as_added(
    lab: Lab, tmp_path: Path, new_folder: Path
) -> None:
    paint(lab, tmp_path / "old", (255, 0, 0), (240, 9, 9), (0, 0, 255), (9, 9, 240))
    analysis = clusters_of(lab, k=2)
    paint(lab, tmp_path / "new", (250, 4, 4))
    access = engine_of(lab).access
    full = replace(access, blobs=FullBlobs(new_folder / "blobs"))
    with pytest.raises(DiskFull):
        keeping.assign(full, analysis)
    there = entries.get(lab.store, "things", analysis.id)
    assert staleness(lab.store, there) == Staleness(added=1)
    assigned = keeping.assign(access, there)
    assert (assigned.assets, staleness(lab.store, assigned)) == (5, Staleness())


class FullBlobs(FolderBlobs):
    """A disk that is full."""

    def put(self, content: Content) -> str:
        raise DiskFull("The disk is full.")
