"""Rows judged among all of them, by the measure that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from indexer.analysis.method import Parameters
from indexer.analysis.neighbours import NeighbourGraph
from indexer.analysis.outliers import scores
from indexer.analysis.outliers.scores import Scores


class OutlierParameters(Parameters):
    """By which measure assets are compared, and with which."""

    by: Literal["knn", "lof", "centre", "core"] = Field(
        "knn",
        description="knn: mean distance to the k nearest. lof: how much thinner it is around an "
        "asset than around its neighbours. For collections of few themes, also strangers that are "
        "like each other: core (how few ways lead there from neighbour to neighbour) and centre "
        "(distance to the nearest large cluster).",
    )
    k: int | None = Field(
        None, ge=1, le=200, description="Neighbours looked at; by default 10, for core 30."
    )
    clusters: int = Field(
        1, ge=1, le=1000, description="Clusters that centre makes: about one for each theme."
    )
    near: float = Field(
        0.3,
        ge=0,
        le=1,
        description="Angular distance (0 the same, 0.5 unrelated, 1 opposite) below which the "
        "nearest counts as near.",
    )
    by_label: str | None = Field(
        None,
        min_length=1,
        description="Metadata field: each asset is compared with those of the same value alone.",
    )

    @property
    def neighbours(self) -> int:
        """How many neighbours are looked at, chosen or not."""
        return self.k or (30 if self.by == "core" else 10)


@dataclass(frozen=True, slots=True)
class Judged:
    """What is found of each of n rows; score NaN, flag False and nearest -1 where nothing is.

    `cosine`: similarity to the `nearest` row. `threshold`: the score above which rows are flagged.
    """

    score: Scores
    flagged: NDArray[np.bool_]
    nearest: NDArray[np.int64]
    cosine: Scores
    threshold: float


def judge(
    vectors: NDArray[np.float32], graph: NeighbourGraph, parameters: OutlierParameters
) -> Judged:
    """Score rows among all of them; `graph` is theirs."""
    if parameters.by == "lof":
        score = scores.local_outlier_factor(graph)
        threshold = scores.fence(score)
    else:
        distances = _distances(vectors, graph, parameters)
        typical = scores.typical(distances)
        score = scores.strangeness(distances, typical)
        # The limit is found among distances: scores are squeezed below 1, and have no far end.
        limit = np.asarray(scores.fence(distances))
        threshold = float(scores.strangeness(limit, typical))
    nearest = graph.indices[:, 0].astype(np.int64)
    cosine = np.where(nearest >= 0, graph.similarities[:, 0], np.nan).astype(np.float64)
    return Judged(score, score > threshold, nearest, cosine, threshold)


def _distances(
    vectors: NDArray[np.float32], graph: NeighbourGraph, parameters: OutlierParameters
) -> Scores:
    match parameters.by:
        case "centre":
            return scores.distance_to_centre(vectors, parameters.clusters, parameters.seed)
        case "core":
            return scores.distance_from_core(graph)
        case _:
            return scores.mean_distance(graph)


def unjudged(n: int) -> Judged:
    """Nothing is found yet of any of n rows."""
    nothing = np.full(n, np.nan)
    return Judged(nothing.copy(), np.zeros(n, bool), np.full(n, -1), nothing.copy(), np.nan)
