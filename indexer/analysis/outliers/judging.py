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
    """What is found of each of n rows; numbers NaN, flag False and nearest -1 where nothing is.

    `distance`: how many typical distances off a row is, or its local outlier factor; by this rows
    are ranked and flagged. `score`: the same as it is shown. Far from a dense crowd it is 1 to the
    last digit, for one as for the other. `cosine`: similarity to the `nearest` row. `threshold`:
    the score of a row that is just not flagged.
    """

    distance: Scores
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
        distance = score = scores.local_outlier_factor(graph)
        limit = threshold = scores.fence(distance)
    else:
        distance = scores.in_typical(_distances(vectors, graph, parameters))
        score = scores.strangeness(distance)
        limit = scores.fence(distance)
        threshold = float(scores.strangeness(np.asarray(limit)))
    nearest = graph.indices[:, 0].astype(np.int64)
    cosine = np.where(nearest >= 0, graph.similarities[:, 0], np.nan).astype(np.float64)
    return Judged(distance, score, distance > limit, nearest, cosine, threshold)


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
    far, shown, cosine = (np.full(n, np.nan) for _ in range(3))
    return Judged(far, shown, np.zeros(n, bool), np.full(n, -1), cosine, np.nan)
