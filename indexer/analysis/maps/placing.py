"""Puts assets that came later onto a map that is there, without moving what is on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.maps.frame import Positions
from indexer.analysis.maps.memberships import strengths
from indexer.analysis.neighbours import NeighbourGraph

_NEAREST = 5
_ROWS = 256


def placed(vectors: NDArray[np.float32], graph: NeighbourGraph, positions: Positions) -> Positions:
    """The positions, with those that are NaN filled in; the others are returned as they are.

    Each new asset comes to the mean of its neighbours that are on the map, weighted by how
    strongly it belongs to them. One that has none among its neighbours is put by the five most
    similar assets on the map. At least one asset has to be on it.
    """
    known = ~np.isnan(positions[:, 0])
    filled = positions.copy()
    new = np.flatnonzero(~known)
    near, similar = graph.indices[new], graph.similarities[new]
    mapped = (near >= 0) & known[near]
    weights = strengths(similar) * mapped
    lost = weights.sum(axis=1) <= 0
    filled[new[~lost]] = _means(positions, near[~lost], weights[~lost])
    for first in range(0, int(lost.sum()), _ROWS):
        rows = new[lost][first : first + _ROWS]
        filled[rows] = _by_most_similar(vectors, positions, known, rows)
    return filled


def _by_most_similar(
    vectors: NDArray[np.float32],
    positions: Positions,
    known: NDArray[np.bool_],
    rows: NDArray[np.intp],
) -> Positions:
    similar = vectors[rows] @ vectors.T
    similar[:, ~known] = -np.inf
    k = min(_NEAREST, int(known.sum()))
    near = np.argpartition(-similar, k - 1, axis=1)[:, :k]
    found = np.take_along_axis(similar, near, axis=1)
    order = np.argsort(-found, axis=1, kind="stable")
    near = np.take_along_axis(near, order, axis=1)
    return _means(positions, near, strengths(np.take_along_axis(found, order, axis=1)))


def _means(
    positions: Positions, near: NDArray[np.integer], weights: NDArray[np.float32]
) -> Positions:
    there = np.where(weights[..., None] > 0, positions[near], 0)
    total = weights.sum(axis=1)[:, None]
    means: Positions = ((there * weights[..., None]).sum(axis=1) / total).astype(np.float32)
    return means
