"""What each cluster looks like: its centre, how close its members are, and who stands for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.clusters.kmeans import BLOCK, Labels, Vectors, nearest, sums, unit

ALIKE: Final = 0.95
"""Cosine from which two assets are so much alike that one of them stands for both."""
LOOKED_AT: Final = 20
"""Members looked at for each representative that is wanted, nearest to the centre first."""
REACH: Final = 0.02
"""The share of members that lie farther from the centre than a cluster reaches for new ones."""


@dataclass(frozen=True, slots=True)
class Portraits:
    """Clusters 0 to k - 1 of n vectors.

    `sizes`: how many members, shape (k,). `centres`: unit vectors in the direction of the members'
    sum, (k, dimension). `cohesion`: the members' mean cosine to it, (k,). `reach`: the cosine that
    all but the farthest 2 % of its members have, (k,). `similarities`: each vector's cosine to the
    centre of its cluster, or to the nearest one if it is in none, (n,). `representatives`: rows.
    """

    sizes: NDArray[np.int64]
    centres: Vectors
    cohesion: NDArray[np.float32]
    reach: NDArray[np.float32]
    similarities: NDArray[np.float32]
    representatives: list[list[int]]


def portray(vectors: Vectors, labels: Labels, representatives: int) -> Portraits:
    """The clusters that the labels (-1 for none) make of the unit vectors."""
    k = int(labels.max(initial=-1)) + 1
    centres = unit(sums(vectors, labels, k))
    similarities = _similarities(vectors, labels, centres)
    reach, cohesion = np.zeros(k, np.float32), np.zeros(k, np.float32)
    chosen: list[list[int]] = []
    for cluster, rows in enumerate(members(labels, k)):
        rows = rows[np.argsort(-similarities[rows], kind="stable")]
        cohesion[cluster] = similarities[rows].mean()
        reach[cluster] = np.quantile(similarities[rows], REACH)
        chosen.append(_different(vectors, rows, representatives))
    sizes = np.bincount(labels[labels >= 0], minlength=k).astype(np.int64)
    return Portraits(sizes, centres, cohesion, reach, similarities, chosen)


def members(labels: Labels, k: int) -> list[NDArray[np.int64]]:
    """The rows of each cluster 0 to k - 1, in their order."""
    order = np.argsort(labels, kind="stable")
    ends = np.searchsorted(labels[order], np.arange(k + 1))
    return [order[ends[cluster] : ends[cluster + 1]] for cluster in range(k)]


def _similarities(vectors: Vectors, labels: Labels, centres: Vectors) -> NDArray[np.float32]:
    cosines = np.zeros(len(vectors), np.float32)
    for first in range(0, len(vectors), BLOCK):
        block = slice(first, first + BLOCK)
        cosines[block] = (
            np.einsum("ij,ij->i", vectors[block], centres[labels[block]]) if len(centres) else 0
        )
    outside = np.flatnonzero(labels < 0)
    if len(outside) and len(centres):
        cosines[outside] = nearest(vectors[outside], centres)[1]
    return cosines


def _different(vectors: Vectors, rows: NDArray[np.int64], wanted: int) -> list[int]:
    """The first rows of which no two are nearly the same; filled up where there are too few."""
    chosen: list[int] = []
    near = [int(row) for row in rows[: wanted * LOOKED_AT]]
    for row in near:
        if len(chosen) == wanted:
            return chosen
        if not chosen or float((vectors[chosen] @ vectors[row]).max()) < ALIKE:
            chosen.append(row)
    rest = [row for row in near if row not in chosen]
    return chosen + rest[: wanted - len(chosen)]
