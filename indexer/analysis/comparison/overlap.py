"""How far two Spaces agree on who is near whom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.neighbours import NeighbourGraph

_ROWS = 1 << 14


@dataclass(frozen=True, slots=True)
class Overlap:
    """For each asset the share of its k nearest that both Spaces name, and the same as Jaccard
    (shared / named by either). `chance`: what k drawn from all others would share."""

    share: NDArray[np.float32]
    jaccard: NDArray[np.float32]
    chance: float


def overlap(a: NeighbourGraph, b: NeighbourGraph) -> Overlap:
    """Compare two graphs over the same rows."""
    n = len(a.indices)
    shared = np.empty(n, np.int64)
    for first in range(0, n, _ROWS):
        rows = slice(first, first + _ROWS)
        near_a, near_b = a.indices[rows], b.indices[rows]
        same = (near_a[:, :, None] == near_b[:, None, :]) & (near_a >= 0)[:, :, None]
        shared[rows] = same.sum(axis=(1, 2))
    named_a, named_b = (a.indices >= 0).sum(axis=1), (b.indices >= 0).sum(axis=1)
    k = np.maximum(np.maximum(named_a, named_b), 1)
    either = np.maximum(named_a + named_b - shared, 1)
    chance = float(k.mean()) / max(n - 1, 1)
    return Overlap(
        (shared / k).astype(np.float32), (shared / either).astype(np.float32), min(chance, 1.0)
    )


def remoteness(graph: NeighbourGraph) -> NDArray[np.float32]:
    """How far each asset is from its neighbours, as the share of assets that are less far.

    By the mean cosine distance of the k nearest: 0.99 is farther off than 99 of 100. Comparable
    between Spaces, which distances themselves are not.
    """
    there = graph.indices >= 0
    near = np.where(there, graph.similarities, 0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    distance = np.round(1 - near, 6)  # equal vectors are equally far, rounding or not
    less = np.searchsorted(np.sort(distance), distance)
    return np.asarray(less / max(len(distance), 1), np.float32)
