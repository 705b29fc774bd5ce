"""How strongly neighbours belong together: the weighted graph that UMAP lays out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.neighbours import NeighbourGraph

if TYPE_CHECKING:
    import scipy.sparse as sp

_HALVINGS = 32
_ROWS = 1 << 16
"""Rows that are worked on at once: the memory this takes does not grow with the collection."""


def memberships(graph: NeighbourGraph) -> sp.csr_array:
    """Symmetric weights in 0…1, shape (n, n): 1 for each row's nearest, fading with distance.

    A row's weights are exp(-(d - d₁) / s), with d₁ the cosine distance of its nearest, and s such
    that they sum to log₂(k + 1); a pair's weight is that of "either says so": u + v - u·v
    (McInnes, Healy & Melville 2018, section 3.1).
    """
    from scipy import sparse

    n, k = graph.indices.shape
    there = graph.indices >= 0
    weights = np.zeros((n, k), np.float32)
    for first in range(0, n, _ROWS):
        rows = slice(first, first + _ROWS)
        weights[rows] = strengths(graph.similarities[rows])
    counts = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    directed = sparse.csr_array((weights[there], graph.indices[there], counts), shape=(n, n))
    reverse = directed.T.tocsr()
    union = directed + reverse - directed.multiply(reverse)
    union.sort_indices()  # the same map whichever version of scipy built it
    return union.tocsr()


def strengths(similarities: NDArray[np.float32]) -> NDArray[np.float32]:
    """The weights of each row's neighbours, nearest first; 0 where there is none (-inf)."""
    there = np.isfinite(similarities)
    distances = np.where(there, np.maximum(1 - similarities, 0), 0).astype(np.float32)
    beyond = np.where(there, distances - distances[:, :1], np.inf).astype(np.float32)
    wanted = np.log2(there.sum(axis=1) + 1, dtype=np.float32)
    low = np.zeros(len(distances), np.float32)
    high = np.full(len(distances), np.inf, np.float32)
    scale = np.ones(len(distances), np.float32)
    for _ in range(_HALVINGS):
        too_much = np.exp(-beyond / scale[:, None]).sum(axis=1) > wanted
        high, low = np.where(too_much, scale, high), np.where(too_much, low, scale)
        scale = np.where(np.isinf(high), scale * 2, (low + high) / 2)
    # Where all neighbours are equally far, s would go to nothing or to infinity.
    mean = distances.sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    scale = np.clip(scale, np.maximum(mean * np.float32(1e-3), np.float32(1e-7)), np.float32(1e6))
    weights: NDArray[np.float32] = np.exp(-beyond / scale[:, None]).astype(np.float32)
    return weights
