"""Pairs worth a closer look: neighbours in the Space, and hashes that are near in any turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.duplicates.hashes import Hashes, near, nearest_turn
from indexer.analysis.neighbours import NeighbourGraph

Pairs = NDArray[np.int64]
"""Rows of two assets, the smaller first, shape (m, 2); no pair twice."""

Rows = NDArray[np.int64]
Hashing = Callable[[Rows, Rows], tuple[NDArray[np.int8], NDArray[np.uint8]]]
"""Tells for pairs of rows the turn in which their hashes are nearest, and the distance then."""

_BLOCK = 65_536
_OF_EQUALS = 12
_EQUAL_STEPS = 12
FAR = 255
"""The hash distance of what has no hash."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pairs with what is known of them before they are looked at, the nearest first.

    `cosines` in the Space; `turns` and `distances` of their hashes in the nearest turn (0 and `FAR`
    where one has none).
    """

    pairs: Pairs
    cosines: NDArray[np.float32]
    turns: NDArray[np.int8]
    distances: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.pairs)

    def of(self, numbers: NDArray[np.int64]) -> Candidates:
        """Those with these numbers, in this order."""
        return Candidates(
            self.pairs[numbers],
            self.cosines[numbers],
            self.turns[numbers],
            self.distances[numbers],
        )


def neighbours(graph: NeighbourGraph, cosine: float) -> Pairs:
    """Pairs of neighbours at least this near."""
    rows, places = np.nonzero((graph.similarities >= cosine) & (graph.indices >= 0))
    return distinct([np.stack([rows, graph.indices[rows, places]], axis=1).astype(np.int64)])


def near_hashes(hashes: Hashes, usable: NDArray[np.bool_], radius: int) -> Pairs:
    """Pairs whose hashes differ in at most so many bits, in any turn.

    Where very many are equal (a thousand scans of one form) each is paired with a few of them: the
    work stays in proportion to the number of pictures.
    """
    rows = np.flatnonzero(usable)
    if len(rows) < 2:
        return np.empty((0, 2), np.int64)
    order = rows[np.argsort(hashes[rows], kind="stable")]
    kinds, starts, counts = np.unique(hashes[order], return_index=True, return_counts=True)
    beside: list[NDArray[np.int64]] = []
    for pair in near(kinds, radius):
        beside.append(np.stack(pair, axis=1))
        if len(beside) > 64:
            beside = [distinct(beside)]
    one, other = distinct(beside).T
    found = [_among_equals(order, hashes)]
    for i in range(min(_OF_EQUALS, int(counts.max()))):
        for j in range(min(_OF_EQUALS, int(counts.max()))):
            keep = (counts[one] > i) & (counts[other] > j)
            found.append(
                np.stack([order[starts[one[keep]] + i], order[starts[other[keep]] + j]], axis=1)
            )
    return distinct(found)


def weighed(pairs: Pairs, vectors: NDArray[np.float32], hashing: Hashing) -> Candidates:
    """The pairs with their cosines and hash distances, the nearest in either respect first."""
    cosines = np.empty(len(pairs), np.float32)
    turns = np.zeros(len(pairs), np.int8)
    distances = np.full(len(pairs), FAR, np.uint8)
    for start in range(0, len(pairs), _BLOCK):
        block = slice(start, start + _BLOCK)
        one, other = pairs[block].T
        cosines[block] = np.einsum("ij,ij->i", vectors[one], vectors[other])
        turns[block], distances[block] = hashing(one, other)
    # 8 bits of 63, or a cosine of 0.95: about equally telling
    nearness = np.minimum(distances / 8.0, (1.0 - cosines) / 0.05)
    order = np.argsort(nearness, kind="stable")
    return Candidates(pairs, cosines, turns, distances).of(order)


def by_look(hashes: Hashes, usable: NDArray[np.bool_]) -> Hashing:
    """Perceptual hashes, in the turn in which they are nearest."""

    def hashing(one: Rows, other: Rows) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
        turns, distances = nearest_turn(hashes[one], hashes[other])
        distances[~(usable[one] & usable[other])] = FAR
        return turns, distances

    return hashing


def by_wording(hashes: Hashes) -> Hashing:
    """Hashes of wordings: equal, or not to be compared."""

    def hashing(one: Rows, other: Rows) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
        distances = np.where(hashes[one] == hashes[other], 0, FAR).astype(np.uint8)
        return np.zeros(len(one), np.int8), distances

    return hashing


def distinct(blocks: Iterable[NDArray[np.int64]]) -> Pairs:
    """The pairs of all blocks, sorted, each once, whichever of the two came first in it."""
    pairs = np.concatenate([np.empty((0, 2), np.int64), *blocks])
    return np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)


def equal_hashes(rows: Rows, hashes: Hashes) -> Pairs:
    """Pairs of rows with equal hashes: each with the next few of them, not all with all."""
    return distinct([_among_equals(rows[np.argsort(hashes[rows], kind="stable")], hashes)])


def _among_equals(order: NDArray[np.int64], hashes: Hashes) -> NDArray[np.int64]:
    found = [np.empty((0, 2), np.int64)]
    for step in range(1, min(_EQUAL_STEPS, len(order) - 1) + 1):
        equal = hashes[order[:-step]] == hashes[order[step:]]
        found.append(np.stack([order[:-step][equal], order[step:][equal]], axis=1))
    return np.concatenate(found)
