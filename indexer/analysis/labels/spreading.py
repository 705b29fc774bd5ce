"""Labels spread over a neighbour graph, from the rows that have one to those that have none.

Local and global consistency (Zhou et al. 2004): F = (1 - alpha) (I - alpha S)^-1 Y, where Y has a 1
for each labelled row in the column of its class, W is the affinity of neighbours, D its row sums
and S = D^-1/2 W D^-1/2. Affinities are those of Iscen et al. 2019, max(cosine, 0)^3, of each row
with its k nearest, added up both ways. At the end the scores of each class are scaled so that they
add up to its share of the labels (class mass normalisation, Zhu et al. 2003): else, at high alpha,
the class whose labelled rows have the most neighbours takes all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.labels.labelled import NONE, Codes
from indexer.analysis.neighbours import NeighbourGraph

SHARPNESS = 3
"""The power of cosines in affinities: near neighbours count more than far ones."""

CLOSE_ENOUGH = 1e-5
"""Residual, as a share of where it began, at which a class's scores are taken for solved."""

MOST_STEPS = 1000
TOGETHER = 32
"""Classes solved at once: at a million rows a block of 128 MB, and a few more like it."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Spread:
    """What reached each of n rows: the class that leads, its share of all, and its lead.

    `codes`: `NONE` where nothing arrived; `scores` and `margins` lie between 0 and 1.
    """

    codes: Codes
    scores: Floats
    margins: Floats


def affinities(graph: NeighbourGraph) -> Any:
    """W as a sparse matrix, symmetric, shape (n, n), float32, nothing on the diagonal."""
    from scipy import sparse

    n, k = graph.indices.shape
    rows = np.repeat(np.arange(n), k)
    columns = graph.indices.ravel()
    near = (columns >= 0) & (columns != rows) & (graph.similarities.ravel() > 0)
    weights = graph.similarities.ravel()[near].astype(np.float32) ** SHARPNESS
    directed = sparse.csr_array((weights, (rows[near], columns[near])), shape=(n, n))
    return directed + directed.T


def spread(
    weights: Any,
    codes: Codes,
    classes: int,
    alpha: float,
    told: Callable[[int], object] = lambda _: None,
) -> Spread:
    """Spread labels over affinities (sparse, symmetric); `told` hears of each block of classes.

    `codes`: the class of each row, or `NONE`; `alpha` in 0 to 1: how far labels travel.
    """
    system = _normalised(weights)
    n = len(codes)
    best, second, total = (np.zeros(n, np.float32) for _ in range(3))
    leading = np.full(n, NONE, np.int32)
    for first in range(0, classes, TOGETHER):
        told(first)
        block = np.arange(first, min(first + TOGETHER, classes))
        known = (codes[:, None] == block).astype(np.float32)
        arrived = solved(system, known, alpha)
        arrived *= known.sum(axis=0) / np.maximum(arrived.sum(axis=0), 1e-12)
        for code, column in zip(block, arrived.T, strict=True):
            ahead = column > best
            second = np.where(ahead, best, np.maximum(second, column))
            leading[ahead], best[ahead] = code, column[ahead]
            total += column
    shares = np.divide(np.stack([best, second]), total, where=total > 0, out=np.zeros((2, n), "f4"))
    return Spread(leading, shares[0], shares[0] - shares[1])


def solved(system: Any, known: Floats, alpha: float) -> Floats:
    """(1 - alpha) (I - alpha S)^-1 Y by conjugate gradients, all columns of Y side by side.

    The matrix is symmetric and positive definite for alpha < 1. Plain iteration, F = alpha S F +
    (1 - alpha) Y, arrives at the same, but at alpha = 0.99 after a thousand steps, not after fifty.
    """
    right = (1 - alpha) * known
    found = right.copy()
    residual = right - (found - alpha * (system @ found))
    direction = residual.copy()
    square = np.einsum("ij,ij->j", residual, residual)
    enough = CLOSE_ENOUGH**2 * np.einsum("ij,ij->j", right, right)
    for _ in range(MOST_STEPS):
        if (square <= enough).all():
            break
        ahead = direction - alpha * (system @ direction)
        curvature = np.einsum("ij,ij->j", direction, ahead)
        step = np.divide(square, curvature, where=curvature > 0, out=np.zeros_like(square))
        found += step * direction
        residual -= step * ahead
        before, square = square, np.einsum("ij,ij->j", residual, residual)
        ratio = np.divide(square, before, where=before > 0, out=np.zeros_like(square))
        direction = residual + ratio * direction
    return np.asarray(np.maximum(found, 0))  # what rounding left below nothing


def _normalised(weights: Any) -> Any:
    """S; rows without neighbours have nothing in it."""
    from scipy import sparse

    sums = np.asarray(weights.sum(axis=1)).ravel()
    roots = np.divide(1, np.sqrt(sums), where=sums > 0, out=np.zeros_like(sums))
    scale = sparse.dia_array((roots[None, :], [0]), shape=weights.shape)
    return (scale @ weights @ scale).tocsr()
