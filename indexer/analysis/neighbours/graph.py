"""What a neighbour graph is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class NeighbourGraph:
    """The k nearest other rows of each of n rows, nearest first.

    `indices`: int32, shape (n, k); -1 where there are fewer than k others. `similarities`: float32
    cosines of the same shape; -inf where there is no neighbour. `recall`: the share of true
    neighbours found, 1.0 if exact, else measured on a sample of rows.
    """

    indices: NDArray[np.int32]
    similarities: NDArray[np.float32]
    recall: float = 1.0

    @property
    def k(self) -> int:
        return int(self.indices.shape[1])

    def nearest(self, k: int) -> NeighbourGraph:
        """The graph of the k nearest alone."""
        return NeighbourGraph(self.indices[:, :k], self.similarities[:, :k], self.recall)


def no_neighbours(n: int, k: int) -> NeighbourGraph:
    """A graph to be filled in: nobody has a neighbour yet."""
    return NeighbourGraph(np.full((n, k), -1, np.int32), np.full((n, k), -np.inf, np.float32))
