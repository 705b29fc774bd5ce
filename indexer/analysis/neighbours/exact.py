"""Compares rows with all others, block by block: never n × n similarities at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from indexer.analysis.method import Progress
from indexer.analysis.neighbours.comparing import nearest_among, ranked_again
from indexer.analysis.neighbours.graph import NeighbourGraph

if TYPE_CHECKING:
    from torch import Tensor

BLOCK = {"cpu": 2**26, "cuda": 2**29}
"""Similarities at a time: a quarter of a gigabyte on a processor, two on a GPU."""


def search(
    graph: NeighbourGraph,
    vectors: Tensor,
    coarse: Tensor,
    rows: Tensor,
    progress: Progress,
    step: str = "Comparing",
) -> None:
    """Write the nearest of all others to each of `rows` into the graph.

    `coarse`: `vectors`, or the same in numbers of half the length: then twice as many candidates
    are found in these and ranked again by `vectors`.
    """
    import torch

    kept = min(graph.k, len(vectors) - 1)
    candidates = kept if coarse is vectors else spare(kept, len(vectors))
    block = max(32, min(2048, BLOCK[vectors.device.type] // len(vectors)))
    done = 0
    for some in torch.split(rows, block):
        progress.step(step, done, len(rows))
        similarities, found = nearest_among(coarse, some, None, candidates)
        if coarse is not vectors:
            similarities, found = ranked_again(vectors, some, found, kept)
        fill(graph, some, similarities, found)
        done += len(some)


def fill(graph: NeighbourGraph, rows: Tensor, similarities: Tensor, found: Tensor) -> None:
    """Write what was found for these rows into the graph; -1 where nothing was."""
    numbers, width = rows.cpu().numpy(), found.shape[1]
    graph.indices[numbers, :width] = found.cpu().numpy()
    # rounding makes duplicates more than alike, and may not make nothing something
    rounded = similarities.clamp(max=1).cpu().numpy()
    graph.similarities[numbers, :width] = np.where(
        np.isneginf(rounded), rounded, np.maximum(rounded, -1)
    )


def spare(k: int, n: int) -> int:
    """Candidates to find in numbers of half the length, so that the k nearest are among them.

    Between 0.5 and 1, neighbouring bfloat16 are 0.004 apart: many a rank is a tie in them.
    """
    return min(n - 1, 2 * k + 8)
