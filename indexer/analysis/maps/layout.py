"""Lays points out in the plane so that near neighbours lie near each other, as UMAP does.

The objective and its gradients are those of UMAP (McInnes, Healy & Melville 2018, section 3.2).
What differs is the order of the steps: in each epoch every point moves against the others as they
stood at its beginning, and its random draws depend on seed, epoch and row alone. So the same seed
gives the same map on any number of processors, all of them work, and a person can cancel between
two epochs. umap-learn keeps either the seed or the processors, and tells nothing until its end.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import scipy.sparse as sp

REPULSIONS = 5
"""Random points that push, for each neighbour that pulls."""

_PART = 4096
"""Rows a processor takes at a time: fewer are not worth the hand-over."""


def laid_out(
    memberships: sp.csr_array,
    start: NDArray[np.float32],
    curve: tuple[float, float],
    epochs: int,
    seed: int,
    told: Callable[[int, int], None],
    fixed: int = 0,
) -> NDArray[np.float32]:
    """Positions, float32 (n, 2), after so many epochs from `start`.

    `memberships`: symmetric weights in 0…1, shape (n, n). `curve`: a and b of the similarity
    1 / (1 + a·d^2b) of two points at distance d. The first `fixed` rows stay where they are.
    `told(done, epochs)` is called before each epoch.
    """
    weights = (memberships.data / max(float(memberships.data.max()), 1e-12)).astype(np.float32)
    edges = (memberships.indptr, memberships.indices, weights)
    a, b = map(np.float32, curve)
    old = np.array(start, np.float32, order="C")
    new = old.copy()
    threads = _processors()
    part = min(max(_PART, -(-(len(old) - fixed) // threads)), 1 << 16)
    starts = range(fixed, len(old), part)
    with ThreadPoolExecutor(threads, "layout") as pool:
        for epoch in range(epochs):
            told(epoch, epochs)
            step = np.float32(1 - epoch / epochs)
            move = partial(_moved, old, new, *edges, part, epoch, step, a, b, seed)
            # list: waits for all, and raises what one of them raised
            list(pool.map(move, starts)) if len(starts) > 1 else move(fixed)
            old, new = new, old
    return old


def _moved(
    old: NDArray[np.float32],
    new: NDArray[np.float32],
    indptr: NDArray[np.int32],
    indices: NDArray[np.int32],
    weights: NDArray[np.float32],
    part: int,
    epoch: int,
    step: np.float32,
    a: np.float32,
    b: np.float32,
    seed: int,
    first: int,
) -> None:
    last = min(first + part, len(old))
    _kernel()(old, new, indptr, indices, weights, first, last, epoch, step, a, b, seed, REPULSIONS)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def _kernel() -> Any:
    """The compiled inner loop: compiled once and kept on disk, where there is a place to write."""
    from numba import njit

    from indexer.analysis.maps import motion

    try:
        return njit(nogil=True, fastmath=True, cache=True)(motion.moved)
    except RuntimeError:  # numba: no folder for its cache can be written
        return njit(nogil=True, fastmath=True)(motion.moved)
