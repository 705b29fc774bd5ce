"""Makes the neighbour graph of a matrix of unit vectors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.method import Progress
from indexer.analysis.neighbours.approximate import approximate
from indexer.analysis.neighbours.arithmetic import Arithmetic, arithmetic_of
from indexer.analysis.neighbours.comparing import ranked_again
from indexer.analysis.neighbours.exact import fill, search, spare
from indexer.analysis.neighbours.graph import NeighbourGraph, no_neighbours
from indexer.analysis.neighbours.sampling import Sample, sample_of

if TYPE_CHECKING:
    from torch import Tensor

_BLOCK = 1024


def nearest_neighbours(
    vectors: NDArray[np.float32],
    k: int,
    progress: Progress,
    *,
    device: str = "auto",
    seed: int = 0,
    arithmetic: Arithmetic | None = None,
) -> NeighbourGraph:
    """The k nearest other rows of each row, by cosine, nearest first.

    `vectors`: float32 unit rows, shape (n, dimension), all finite; a row of zeros is like nothing.
    Where there are fewer than k others, the rest of a row is -1 and -inf. A row is never its own
    neighbour, a duplicate of it is one. All rows are compared with all others as long as `device`
    (of the settings: auto, cpu or cuda) does that in a matter of seconds; beyond, most neighbours
    are found, and `recall` says how many, measured on a sample. `arithmetic` is what the device can
    do, unless told. Needs the vectors twice at most, and some kilobytes a row.
    """
    n, dimension = vectors.shape
    graph = no_neighbours(n, k)
    if n < 2 or k < 1:
        return graph
    how = arithmetic or arithmetic_of(device, n, dimension)
    rows, coarse = on_device(vectors, how)
    if how.exact_pays(n, dimension):
        return _exact(graph, rows, coarse, seed, progress)
    return _approximate(graph, rows, coarse, seed, progress)


def on_device(vectors: NDArray[np.float32], how: Arithmetic) -> tuple[Tensor, Tensor]:
    """The vectors where they are compared, and the numbers in which candidates are found."""
    import torch

    # torch takes over memory that it may write to; it does not write to it
    rows = torch.from_numpy(np.require(vectors, np.float32, ["C", "W"])).to(how.device)
    return rows, rows.to(getattr(torch, how.numbers)) if how.halves else rows


def _exact(
    graph: NeighbourGraph, vectors: Tensor, coarse: Tensor, seed: int, progress: Progress
) -> NeighbourGraph:
    import torch

    search(graph, vectors, coarse, torch.arange(len(vectors), device=vectors.device), progress)
    if coarse is vectors:
        return graph
    return measured(graph, vectors, sample_of(vectors, min(graph.k, len(vectors) - 1), seed))


def _approximate(
    graph: NeighbourGraph, vectors: Tensor, coarse: Tensor, seed: int, progress: Progress
) -> NeighbourGraph:
    import torch

    kept = min(graph.k, len(vectors) - 1)
    progress.step("Choosing a sample")
    sample = sample_of(vectors, kept, seed)
    candidates = kept if coarse is vectors else spare(kept, len(vectors))
    lists = approximate(vectors, coarse, candidates, sample, seed, progress)
    for rows in torch.split(torch.arange(len(vectors), device=vectors.device), _BLOCK):
        found, similarities = lists.found[rows, :kept], lists.similarities[rows, :kept]
        if coarse is not vectors:
            similarities, found = ranked_again(vectors, rows, lists.found[rows], kept)
        fill(graph, rows, similarities, found)
    gaps = np.flatnonzero(graph.indices[:, kept - 1] < 0)
    search(graph, vectors, vectors, torch.from_numpy(gaps).to(vectors.device), progress)
    return measured(graph, vectors, sample)


def measured(graph: NeighbourGraph, vectors: Tensor, sample: Sample) -> NeighbourGraph:
    """The graph with the recall that it has on a sample."""
    import torch

    kept = min(graph.k, len(vectors) - 1)
    found = torch.from_numpy(graph.indices[sample.rows.cpu().numpy(), :kept]).to(vectors.device)
    return replace(graph, recall=sample.recall(vectors, found))
