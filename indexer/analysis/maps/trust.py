"""How far a map can be trusted: are those that lie together in it truly alike?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.maps.frame import Positions
from indexer.analysis.method import Progress

_EXACT = 4000
"""Up to so many assets each is looked at; of more, a sample."""
_SAMPLE = 1000
_ROWS = 100


@dataclass(frozen=True, slots=True)
class Trust:
    """`value`: 1 where each asset's neighbours on the map are its true nearest, about 0.5 where
    they are any. `sample`: how many assets were looked at."""

    value: float
    sample: int


def trustworthiness(
    vectors: NDArray[np.float32], positions: Positions, k: int, seed: int, progress: Progress
) -> Trust | None:
    """Trustworthiness of a map (Venna & Kaski 2001), or None where fewer than 3 assets are in it.

    1 minus the mean, over the k neighbours of each asset on the map, of how far beyond the k
    nearest they are by cosine, scaled so that the worst map has 0. Equally similar ones count as
    equally near. `k` is lowered to below half of the assets, where the measure is defined.
    """
    from scipy.spatial import cKDTree

    n = len(vectors)
    k = min(k, (n - 1) // 2)
    if k < 1:
        return None
    rows = np.arange(n)
    if n > _EXACT:
        rows = np.sort(np.random.default_rng(seed).choice(n, _SAMPLE, replace=False))
    tree = cKDTree(positions)
    beyond = 0
    for first in range(0, len(rows), _ROWS):
        progress.step("Measuring trustworthiness", first, len(rows))
        block = rows[first : first + _ROWS]
        near = _others(tree.query(positions[block], k + 1)[1], block)
        beyond += int(np.maximum(_ranks(vectors, block, near) - k, 0).sum())
    worst = len(rows) * k * (2 * n - 3 * k - 1) / 2
    return Trust(1 - beyond / worst, len(rows))


def _ranks(
    vectors: NDArray[np.float32], rows: NDArray[np.intp], near: NDArray[np.intp]
) -> NDArray[np.int64]:
    """The place of each of these neighbours in the order of similarity to its row, from 1."""
    similar = vectors[rows] @ vectors.T
    similar[np.arange(len(rows)), rows] = -np.inf
    own = np.take_along_axis(similar, near, axis=1)
    ranks = np.empty(near.shape, np.int64)
    for column in range(near.shape[1]):
        ranks[:, column] = (similar > own[:, column, None]).sum(axis=1) + 1
    return ranks


def _others(near: NDArray[np.intp], rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Without the row itself, which need not come first where several lie in one place."""
    own = near == rows[:, None]
    own[~own.any(axis=1), -1] = True
    others: NDArray[np.intp] = near[~own].reshape(len(near), -1)
    return others
