"""Makes the neighbour graph of a matrix of unit vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.method import Progress
from indexer.analysis.neighbours.graph import NeighbourGraph

BLOCK = 1024
"""Rows compared with all others at a time: 100,000 others take 400 MB of similarities."""


def nearest_neighbours(vectors: NDArray[np.float32], k: int, progress: Progress) -> NeighbourGraph:
    """The k nearest other rows of each row, by cosine, nearest first.

    `vectors`: float32 unit rows, shape (n, dimension), all finite; a row of zeros is like nothing.
    Where there are fewer than k others, the rest of a row is -1 and -inf. A row is never its own
    neighbour, a duplicate of it is one.
    """
    import torch

    n = len(vectors)
    indices = np.full((n, k), -1, np.int32)
    similarities = np.full((n, k), -np.inf, np.float32)
    kept = min(k, n - 1)
    everything = torch.from_numpy(np.ascontiguousarray(vectors, np.float32))
    for start in range(0, n if kept > 0 else 0, BLOCK):
        progress.step("Comparing", start, n)
        stop = min(n, start + BLOCK)
        block = everything[start:stop] @ everything.T
        block[torch.arange(stop - start), torch.arange(start, stop)] = -np.inf
        best = block.topk(kept)
        indices[start:stop, :kept] = best.indices.numpy()
        similarities[start:stop, :kept] = best.values.clamp(-1, 1).numpy()
    return NeighbourGraph(indices, similarities)
