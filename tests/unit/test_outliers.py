"""Outliers: measures worked out by hand, and what becomes of a real collection of pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.analysis import artefacts, asking, entries, running
from indexer.analysis.asking import Asked
from indexer.analysis.entry import Analysis
from indexer.analysis.method import Progress
from indexer.analysis.neighbours import NeighbourGraph, nearest_neighbours
from indexer.analysis.outliers import METHOD, scores
from indexer.analysis.outliers.judging import OutlierParameters, judge
from indexer.analysis.outliers.scores import Scores
from indexer.analysis.subject import Access
from indexer.domain import Kind
from indexer.errors import InvalidInput, TooFewAssets
from indexer.readers.found import Found
from tests.fakes import ColourEmbedder
from tests.lab import LIMITS, Lab, found_text, open_lab, picture_in
from tests.map_subjects import subject, with_graph


class Silent:
    def step(self, what: str, done: int = 0, total: int | None = None) -> None: ...


SILENT: Progress = Silent()


def at(*degrees: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Unit vectors in the plane at these angles."""
    turns = np.radians(degrees)
    return np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)


def graph_of(vectors: Any, k: int) -> NeighbourGraph:
    return nearest_neighbours(vectors, min(k, len(vectors) - 1), SILENT)


def test_the_mean_distance_is_that_to_the_k_nearest() -> None:
    # At 0°, 60° and 90°: the first is 0.5 from the second, and 1 from the third.
    found = scores.mean_distance(graph_of(at(0, 60, 90), 2))
    third = 1 - math.cos(math.radians(30))
    assert found == pytest.approx([(0.5 + 1) / 2, (0.5 + third) / 2, (1 + third) / 2], abs=1e-6)


def test_who_has_no_neighbour_has_no_score() -> None:
    alone = NeighbourGraph(
        np.array([[-1, -1], [2, -1], [1, -1]], np.int32),
        np.array([[-np.inf, -np.inf], [0.5, -np.inf], [0.5, -np.inf]], np.float32),
    )
    assert scores.mean_distance(alone)[0] != scores.mean_distance(alone)[0]
    assert scores.mean_distance(alone)[1:] == pytest.approx([0.5, 0.5])
    assert np.isnan(scores.local_outlier_factor(alone)[0])


def test_the_typical_distance_has_a_score_of_0_63() -> None:
    distances = np.array([0.0, 0.1, 0.2, 0.3, 0.9])
    found = scores.strangeness(scores.in_typical(distances))
    assert found[0] == 0
    assert found[2] == pytest.approx(1 - 1 / math.e)
    assert (np.diff(found) > 0).all()
    assert found[-1] < 1


def test_the_fence_is_one_and_a_half_ranges_above_the_upper_quartile() -> None:
    assert scores.fence(np.array([1.0, 2, 3, 4, 5])) == 4 + 1.5 * 2
    assert scores.fence(np.array([np.nan])) == math.inf


def test_the_local_outlier_factor_is_that_of_scikit_learn() -> None:
    from sklearn.neighbors import LocalOutlierFactor

    chance = np.random.default_rng(0)
    vectors = chance.standard_normal((300, 8)).astype(np.float32)
    vectors[200:] *= 0.2
    vectors[200:] += 1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    theirs = -LocalOutlierFactor(12, metric="cosine").fit(vectors).negative_outlier_factor_
    ours = scores.local_outlier_factor(graph_of(vectors, 12))
    assert ours == pytest.approx(theirs, rel=1e-3)


def test_a_point_beside_a_dense_cluster_is_a_local_outlier_and_one_in_a_thin_one_is_not() -> None:
    dense, thin = np.arange(0, 2, 0.1), np.arange(100, 180, 4)
    vectors = at(*dense, 6, *thin)
    found = scores.local_outlier_factor(graph_of(vectors, 5))
    assert int(np.argmax(found)) == len(dense)
    assert found[-10] == pytest.approx(1, abs=0.2)
    # By distance alone all of the thin cluster is stranger than it.
    distances = scores.mean_distance(graph_of(vectors, 5))
    assert distances[len(dense)] < distances[len(dense) + 1 :].min()


def test_strangers_that_are_alike_are_far_from_the_centre_but_not_from_each_other() -> None:
    usual, strangers = np.linspace(0, 30, 95), np.linspace(120, 121, 5)
    vectors = at(*usual, *strangers)
    for clusters in (1, 3):
        distances = scores.distance_to_centre(vectors, clusters, seed=0)
        assert distances[95:].min() > distances[:95].max()
    near = scores.mean_distance(graph_of(vectors, 3))
    assert near[95:].max() < 0.01


def test_whoever_hangs_on_the_crowd_by_a_thread_is_far_from_its_core() -> None:
    # Rows 0 to 4 are each others neighbours; 5 and 6 know each other, and 6 one of the crowd.
    near = [[1, 2, 3], [0, 2, 3], [0, 1, 4], [0, 1, 4], [2, 3, 0], [6, -1, -1], [5, 4, -1]]
    indices = np.array(near, np.int32)
    far = scores.distance_from_core(
        NeighbourGraph(indices, np.where(indices >= 0, 0.9, -np.inf).astype(np.float32))
    )
    assert ranked(far)[:2] == [5, 6]
    assert far.min() == 0


def test_the_same_seed_gives_the_same_centres() -> None:
    vectors = np.random.default_rng(1).standard_normal((200, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    one, other = (scores.distance_to_centre(vectors, 4, seed=3) for _ in range(2))
    assert (one == other).all()


@pytest.mark.parametrize("by", ["knn", "lof", "centre", "core"])
def test_of_equal_vectors_none_is_flagged(by: str) -> None:
    vectors = np.repeat(at(33), 20, axis=0)
    judged = judge(vectors, graph_of(vectors, 5), OutlierParameters.model_validate({"by": by}))
    assert not judged.flagged.any()


@pytest.mark.parametrize("by", ["knn", "lof", "centre"])
def test_the_one_that_stands_apart_is_flagged_alone(by: str) -> None:
    # Forty evenly around a pole, and one at the other pole.
    turns = np.radians(np.arange(0, 360, 9))
    ring = np.stack([np.cos(turns), np.sin(turns), np.full(40, 3)], axis=1)
    vectors = np.concatenate([ring / np.sqrt(10), [[0, 0, -1]]]).astype(np.float32)
    judged = judge(vectors, graph_of(vectors, 5), OutlierParameters.model_validate({"by": by}))
    assert np.flatnonzero(judged.flagged).tolist() == [40]
    assert ranked(judged.score)[0] == 40
    assert judged.score[40] > judged.threshold


def test_strangers_far_from_a_dense_crowd_are_flagged_and_ranked_though_both_score_1() -> None:
    # Sixty nearly equal, 38 spread about, and two that are hundreds of typical distances away.
    off = np.array([*[0.002] * 60, *np.linspace(0.05, 0.12, 38), 0.6, 0.95])
    near = np.full((100, 1), 0)
    near[0] = 1
    graph = NeighbourGraph(near.astype(np.int32), (1 - off[:, None]).astype(np.float32))
    given = with_graph(subject(np.tile(at(0), (100, 1))), graph)
    outcome = METHOD.run(given, OutlierParameters(k=1))
    table = outcome.tables["outliers"].to_pylist()
    assert [row["id"] for row in table[:3]] == ["id-99", "id-98", "id-97"]
    assert [row["percentile"] for row in table[:3]] == [99, 98, 97]
    assert [row["score"] for row in table[:2]] == [1, 1]
    # The quartiles are 0.002 and 0.077: the fence stands at 0.19.
    assert {row["id"] for row in table if row["flagged"]} == {"id-98", "id-99"}


def ranked(scores: Scores) -> list[int]:
    return [int(row) for row in np.argsort(-scores)]


REDS = [(255, 10 * step, 0) for step in range(8)]
"""Eight pictures of nearly one colour."""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Eight red pictures and a blue one."""
    for lab in open_lab(tmp_path, ColourEmbedder()):
        colours = [*REDS, (0, 0, 255)]
        found = [picture_in(tmp_path / f"{row}.png", colour) for row, colour in enumerate(colours)]
        lab.ingest(*found)
        yield lab


def done(lab: Lab, parameters: dict[str, object], **options: Any) -> Analysis:
    analysis = asking.ask(lab.store, "things", Asked("outliers", parameters=parameters, **options))
    running.run(Access(lab.store, lab.blobs, lab.embedders, LIMITS), "things", analysis.id)
    return entries.get(lab.store, "things", analysis.id)


def found_in(lab: Lab, analysis: Analysis, table: str = "outliers") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = artefacts.load(lab.blobs, analysis, table).to_pylist()
    return rows


def name_of(lab: Lab, id: str) -> str:
    (point,) = lab.store.get("things", [id])
    return Path(str(point.payload["sources"][0]["path"])).stem  # type: ignore[index]


def test_the_blue_picture_comes_first_and_has_no_near_neighbour(lab: Lab) -> None:
    analysis = done(lab, {"k": 3})
    rows = found_in(lab, analysis)
    assert [row["flagged"] for row in rows] == [True] + [False] * 8
    first, last = rows[0], rows[-1]
    assert name_of(lab, first["id"]) == "8"
    assert first["percentile"] == pytest.approx(100 * 8 / 9)
    # Blue and red are orthogonal but for the small constant: nearly half a turn of two.
    assert first["nearest_distance"] == pytest.approx(0.5, abs=0.01)
    assert (first["has_near_neighbour"], last["has_near_neighbour"]) == (False, True)
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)
    summary = analysis.summary
    assert (summary["scored"], summary["flagged"], summary["without_near_neighbour"]) == (9, 1, 1)
    histogram: Any = summary["histogram"]
    assert sum(histogram["counts"]) == 9
    assert len(histogram["edges"]) == len(histogram["counts"]) + 1


def test_what_counts_as_near_can_be_chosen(lab: Lab) -> None:
    rows = found_in(lab, done(lab, {"near": 0.6}))
    assert all(row["has_near_neighbour"] for row in rows)


def labelled(name: str, text: str, label: str) -> Found:
    return found_text(f"/{name}.txt", text, metadata={"label": label})


def test_a_misfit_within_its_label_is_found_though_it_has_twins_elsewhere(lab: Lab) -> None:
    # The last of the cold ones is red: it has the best of neighbours, under another label.
    warm = [labelled(f"r{row}", f"red {row}", "warm") for row in range(8)]
    cold = [labelled(f"b{row}", f"blue {row}", "cold") for row in range(6)]
    cold.append(labelled("b6", "red", "cold"))
    lab.ingest(*warm, *cold, labelled("o", "green", "odd"), found_text("/n.txt", "green 1"))
    analysis = done(lab, {"by_label": "label"}, kind=Kind.TEXT)
    rows = found_in(lab, analysis)
    first = rows[0]
    assert (name_of(lab, first["id"]), first["label"], first["flagged"]) == ("b6", "cold", True)
    assert [(row["label"], row["score"], row["percentile"]) for row in rows[-2:]] in (
        [("odd", None, None), (None, None, None)],
        [(None, None, None), ("odd", None, None)],
    )
    assert (analysis.summary["scored"], analysis.summary["not_scored"]) == (15, 2)
    labels = found_in(lab, analysis, "labels")
    assert [(row["label"], row["assets"], row["flagged"]) for row in labels] == [
        ("warm", 8, 0),
        ("cold", 7, 1),
    ]


def test_a_label_that_nobody_carries_is_told(lab: Lab) -> None:
    analysis = done(lab, {"by_label": "species"})
    assert analysis.error is not None
    assert "'species'" in analysis.error.message


def test_two_assets_are_too_few(tmp_path: Path) -> None:
    for lab in open_lab(tmp_path, ColourEmbedder()):
        lab.ingest(*(picture_in(tmp_path / f"{row}.png", REDS[row]) for row in range(2)))
        with pytest.raises(TooFewAssets):
            done(lab, {})


def test_a_measure_that_there_is_not_is_refused(lab: Lab) -> None:
    with pytest.raises(InvalidInput, match="by"):
        done(lab, {"by": "guess"})
