"""Maps that are kept: what is there stays where it is, and what is new finds its place."""

from __future__ import annotations

import numpy as np
import pytest

from indexer.analysis.maps.frame import fit
from indexer.analysis.method import Outcome
from tests.map_subjects import clouds, drawn, nearest_label_share, positions, rows, subject


def test_a_map_is_kept_new_assets_are_placed_and_deleted_ones_vanish() -> None:
    vectors, labels = clouds([50, 50])
    there = [row for row in range(100) if row % 20]  # rows 0, 20, 40, 60, 80 come later
    ids = [f"id-{row}" for row in there]
    before = drawn(subject(vectors[there], ids=ids))
    now = [row for row in range(100) if row != 1]  # and row 1 is deleted
    after = drawn(subject(vectors[now], ids=[f"id-{row}" for row in now], earlier=[before]))
    was = {row["id"]: [row["x"], row["y"]] for row in rows(before)}
    table = rows(after)
    assert after.summary["drawn"] == "kept"
    assert after.summary["placed"] == 5
    assert {row["id"] for row in table if row["placed"]} == {f"id-{n}" for n in range(0, 100, 20)}
    assert all([row["x"], row["y"]] == was[row["id"]] for row in table if not row["placed"])
    assert nearest_label_share(positions(after), [labels[row] for row in now]) == 1.0


def test_a_map_is_drawn_anew_when_too_much_of_it_was_placed_or_on_request() -> None:
    vectors, _ = clouds([50, 50])
    before = drawn(subject(vectors[:85]))
    assert drawn(subject(vectors, earlier=[before])).summary["drawn"] == "anew"  # 15 of 100 are new
    assert drawn(subject(vectors[:80], earlier=[before])).summary["drawn"] == "kept"  # 5 of 85 gone
    assert drawn(subject(vectors[:75], earlier=[before])).summary["drawn"] == "anew"  # 10 are
    for changed in ({"redraw": True}, {"seed": 1}, {"neighbours": 10}, {"by": "pca"}):
        assert drawn(subject(vectors[:85], earlier=[before]), **changed).summary["drawn"] == "anew"


def test_what_was_placed_before_counts_until_the_map_is_drawn_anew() -> None:
    vectors, _ = clouds([50, 50])
    first = drawn(subject(vectors[:88]))
    second = drawn(subject(vectors[:94], earlier=[first]))
    assert (second.summary["drawn"], second.summary["placed"]) == ("kept", 6)
    third = drawn(subject(vectors, earlier=[second]))  # 12 of 100 by now
    assert (third.summary["drawn"], third.summary["placed"]) == ("anew", 0)


def test_a_map_is_kept_whatever_was_drawn_since() -> None:
    vectors, _ = clouds([50, 50])
    umap = drawn(subject(vectors))
    since = [drawn(subject(vectors), **one) for one in ({"by": "pca"}, {"seed": 1})]
    again = drawn(subject(vectors, earlier=[*since, umap]))
    assert again.summary["drawn"] == "kept"
    assert np.array_equal(positions(again), positions(umap))


def test_of_maps_drawn_alike_the_latest_is_kept() -> None:
    vectors, _ = clouds([50, 50])
    first = drawn(subject(vectors))
    redrawn = drawn(subject(vectors[:95], earlier=[first]), redraw=True)
    third = drawn(subject(vectors, earlier=[redrawn, first]))
    assert (third.summary["drawn"], third.summary["placed"]) == ("kept", 5)
    assert np.array_equal(positions(third)[:95], positions(redrawn))


def test_a_map_drawn_anew_lies_as_the_former_one_did() -> None:
    vectors, _ = clouds([60, 60, 60])
    before = drawn(subject(vectors))
    after = drawn(subject(vectors, earlier=[before]), seed=5)
    a, b = positions(before), positions(after)
    assert not np.allclose(a, b)
    turn = fit(b, a).turn
    assert turn == pytest.approx(np.eye(2), abs=0.05)  # no turn would bring it nearer


def test_axes_are_mirrored_as_they_were_and_never_turned() -> None:
    vectors, _ = clouds([30, 30, 30])
    before = drawn(subject(vectors), by="pca")
    table = before.tables["map"]
    flipped = table.set_column(2, "x", [-table["x"].to_numpy()])
    after = drawn(subject(vectors, earlier=[Outcome({}, {"map": flipped})]), by="pca")
    assert positions(after)[:, 0] == pytest.approx(-positions(before)[:, 0])
    assert positions(after)[:, 1] == pytest.approx(positions(before)[:, 1])
    assert rows(after)[7]["pc1"] == -rows(before)[7]["pc1"]
