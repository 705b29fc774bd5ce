"""Vectors for pending assets: one bad asset fails alone, and models out of reach fail nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from indexer.assets import list_assets
from indexer.domain import Status
from indexer.errors import ModelUnavailable, SpaceMismatch
from indexer.pipeline import contained
from tests.fakes import ColourEmbedder, LosingQueue, TextOnlyEmbedder
from tests.lab import Lab, found_text, picture_in


def test_pictures_and_texts_of_one_colour_meet_in_one_space(lab: Lab, tmp_path: Path) -> None:
    lab.ingest(picture_in(tmp_path / "a.png", (255, 0, 0)), found_text("/t.txt", "red"))
    assets, _ = list_assets(lab.store, "things")
    points = lab.store.get("things", [asset.id for asset in assets], spaces=["colour"])
    one, other = (point.vectors["colour"] for point in points)
    assert float(one @ other) == pytest.approx(1.0, abs=1e-5)


def test_a_text_that_breaks_the_model_fails_alone(lab: Lab) -> None:
    lab.embedder.poison = "cursed"
    passages = [f"red number {n}" for n in range(9)] + ["a cursed text"]
    lab.ingest(found_text("/t.txt", *passages))
    assert (lab.totals.indexed, lab.totals.failed) == (9, 1)


def test_a_model_out_of_reach_fails_nothing(lab: Lab) -> None:
    queue = LosingQueue()
    lab.ingest(found_text("/t.txt", "red", "blue"), queue=queue)
    lab.embedders.broken = True
    with pytest.raises(ModelUnavailable):
        lab.index(queue.lost)
    assert lab.totals.pending == 2
    lab.embedders.broken = False
    lab.index(queue.lost)
    assert lab.totals.indexed == 2


def test_a_file_changed_after_it_was_found_is_not_taken_for_the_old_one(
    lab: Lab, tmp_path: Path
) -> None:
    queue = LosingQueue()
    lab.ingest(picture_in(tmp_path / "a.png"), queue=queue)
    picture_in(tmp_path / "a.png", (0, 0, 255))
    lab.index(queue.lost)
    (asset,), _ = list_assets(lab.store, "things")
    assert asset.status is Status.FAILED
    assert asset.reason is not None
    assert "changed" in asset.reason.message


def test_pictures_are_set_aside_where_no_model_sees(
    make_lab: Callable[..., Lab], tmp_path: Path
) -> None:
    lab = make_lab(TextOnlyEmbedder())
    lab.ingest(picture_in(tmp_path / "a.png"), found_text("/t.txt", "red"))
    assert (lab.totals.indexed, lab.totals.skipped, lab.totals.found) == (1, 1, 2)


def test_two_spaces_are_filled_in_one_go(make_lab: Callable[..., Lab], tmp_path: Path) -> None:
    lab = make_lab(ColourEmbedder(), TextOnlyEmbedder())
    lab.ingest(picture_in(tmp_path / "a.png"), found_text("/t.txt", "red"))
    assets, _ = list_assets(lab.store, "things")
    spaces = ["colour", "words"]
    points = lab.store.get("things", [asset.id for asset in assets], spaces=spaces)
    filled = {str(point.payload["kind"]): set(point.vectors) for point in points}
    assert filled == {"image": {"colour"}, "text": {"colour", "words"}}


def test_vectors_of_another_model_version_never_mix(lab: Lab) -> None:
    queue = LosingQueue()
    lab.ingest(found_text("/t.txt", "red"), queue=queue)
    lab.embedder.fingerprint = "colour-2"
    with pytest.raises(SpaceMismatch, match="colour-2"):
        lab.index(queue.lost)


def test_contained_finds_every_culprit_and_keeps_the_order() -> None:
    def invert(values: object) -> list[float]:
        return [1 / value for value in np.asarray(values).tolist()]

    results = contained(invert, [1, 2, 0, 4, 0])
    kinds = [type(result).__name__ for result in results]
    assert kinds == ["float", "float", "ZeroDivisionError", "float", "ZeroDivisionError"]
