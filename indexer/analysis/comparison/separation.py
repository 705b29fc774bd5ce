"""How well a Space tells labelled classes apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.neighbours import NeighbourGraph

_CELLS = 1 << 22
"""Votes of rows × classes that are held at once."""


@dataclass(frozen=True, slots=True)
class Classes:
    """Classes of the rows as numbers from 0 by name, -1 for a row without a label."""

    names: tuple[str, ...]
    codes: NDArray[np.int64]

    @property
    def known(self) -> NDArray[np.bool_]:
        labelled: NDArray[np.bool_] = self.codes >= 0
        return labelled

    @property
    def majority(self) -> float:
        """The share of the largest class: what guessing it always would get right."""
        counts = np.bincount(self.codes[self.known])
        return float(counts.max() / counts.sum())


def classes(labels: list[str | None]) -> Classes:
    """The classes that these labels name."""
    names = tuple(sorted({label for label in labels if label is not None}))
    numbers = {name: number for number, name in enumerate(names)}
    codes = np.array([-1 if label is None else numbers[label] for label in labels], np.int64)
    return Classes(names, codes)


def knn_accuracy(graph: NeighbourGraph, of: Classes) -> float:
    """The share of labelled assets whose neighbours, by a vote weighted by cosine, name their
    class; each is left out of its own vote. One without a labelled neighbour counts as missed."""
    rows = np.flatnonzero(of.known)
    block = max(1, _CELLS // len(of.names))
    right = 0
    for first in range(0, len(rows), block):
        part = rows[first : first + block]
        near = graph.indices[part]
        named = np.where(near >= 0, of.codes[near], -1)
        # Opposite vectors still count a little: neighbours are neighbours.
        weights = np.where(named >= 0, np.maximum(graph.similarities[part], 1e-3), 0)
        votes = np.zeros((len(part), len(of.names)))
        np.add.at(votes, (np.arange(len(part))[:, None], named.clip(0)), weights)
        said = np.where(votes.any(axis=1), votes.argmax(axis=1), -1)
        right += int((said == of.codes[part]).sum())
    return right / max(len(rows), 1)


@dataclass(frozen=True, slots=True)
class Separation:
    """`within`, `between`: mean cosine of two assets of one class, of two classes. `silhouette`:
    -1…1, by cosine distance (Rousseeuw 1987), from all pairs; 0 where classes overlap wholly."""

    within: float | None
    between: float | None
    silhouette: float | None


def separation(vectors: NDArray[np.float32], of: Classes) -> Separation:
    """Exact, without looking at pairs: sums of unit vectors hold the sums of their cosines.

    A class of one has a silhouette of 0, as usual. None where a mean is of no pair at all.
    """
    known, codes = vectors[of.known].astype(np.float32), of.codes[of.known]
    sizes = np.bincount(codes, minlength=len(of.names)).astype(np.float64)
    sums = np.zeros((len(of.names), known.shape[1]))
    np.add.at(sums, codes, known)
    squares = (sums * sums).sum(axis=1)
    pairs = float((sizes * (sizes - 1)).sum())
    across = float(sizes.sum() ** 2 - (sizes * sizes).sum())
    return Separation(
        float((squares - sizes).sum()) / pairs if pairs else None,
        float((sums.sum(axis=0) ** 2).sum() - squares.sum()) / across if across else None,
        _silhouette(known, codes, sums, sizes) if across else None,
    )


def _silhouette(
    vectors: NDArray[np.float32],
    codes: NDArray[np.int64],
    sums: NDArray[np.float64],
    sizes: NDArray[np.float64],
) -> float:
    total = 0.0
    block = max(1, _CELLS // len(sizes))
    for first in range(0, len(vectors), block):
        own = codes[first : first + block]
        cosines = vectors[first : first + block] @ sums.T
        rows = np.arange(len(own))
        inside = 1 - (cosines[rows, own] - 1) / np.maximum(sizes[own] - 1, 1)
        apart = 1 - cosines / sizes
        apart[rows, own] = np.inf
        nearest = apart.min(axis=1)
        score = (nearest - inside) / np.maximum(np.maximum(nearest, inside), 1e-12)
        total += float(np.where(sizes[own] > 1, score, 0).sum())
    return total / len(vectors)
