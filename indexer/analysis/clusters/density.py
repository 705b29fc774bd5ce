"""Groups that stand out, however many there are: HDBSCAN over the neighbour graph.

In hundreds of dimensions all densities are alike, and HDBSCAN calls nearly everything noise. So
each vector is first moved to the mean of its neighbours and itself, a few times: what lies in the
middle of a group moves together, what lies between groups does not (mean shift on the neighbour
graph; Fukunaga and Hostetler, 1975). HDBSCAN (Campello, Moulavi and Sander, 2013) then sees the
lengths of the graph's edges between the moved vectors. No cluster may hold more than half of all:
that would tell nothing. What stands alone and was moved along is told by where it really is.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.clusters.kmeans import Labels, Vectors, sums, unit
from indexer.analysis.clusters.portraits import members
from indexer.analysis.method import Progress
from indexer.analysis.neighbours import NeighbourGraph

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

NEIGHBOURS: Final = 15
STEPS: Final = 6
CORE: Final = 5
"""A vector is as dense as the edge to its fourth neighbour is short; itself counts too."""
LEAST: Final = 5
FAR: Final = 10.0
"""Longer than any edge between unit vectors: joins parts of the graph that no edge joins."""
DEVIATIONS: Final = 3.0
LEAST_DEVIATION: Final = 0.01
"""Where half of a cluster are the same, their deviation is 0, and variants of them still belong."""
_TO_SIGMA: Final = 1.4826  # of a normal distribution's median deviation
_SHORTEST: Final = 1e-6  # an edge of length 0 would be none in a sparse matrix


def smallest_cluster(n: int) -> int:
    """The fewest assets that are called a cluster among n."""
    return max(LEAST, round(math.sqrt(n) / 2))


def cluster(
    vectors: Vectors, graph: NeighbourGraph, smallest: int, progress: Progress
) -> tuple[Labels, NDArray[np.float32]]:
    """The cluster of each unit vector, -1 for none, and how surely it belongs there (0 to 1).

    `graph`: a few nearest neighbours of each vector, `NEIGHBOURS` or fewer.
    """
    from sklearn.cluster import HDBSCAN

    nothing = np.full(len(vectors), -1, np.int32), np.zeros(len(vectors), np.float32)
    core = min(CORE, graph.k)
    if len(vectors) < 2 * smallest or core < 2:
        return nothing
    rows, columns = _edges(graph)
    moved = _moved(vectors, rows, columns, progress)
    progress.step("Looking for dense groups")
    found = HDBSCAN(
        min_cluster_size=smallest,
        min_samples=core,
        max_cluster_size=max(len(vectors) // 2, smallest),
        metric="precomputed",
        copy=False,
    ).fit(_joined(_lengths(moved, rows, columns)))
    labels, sure = found.labels_.astype(np.int32), found.probabilities_.astype(np.float32)
    out = _dragged_along(vectors, labels)
    labels[out], sure[out] = -1, 0
    # a cluster of which too little is left would be below the size that was asked for
    small = np.flatnonzero(np.bincount(labels[labels >= 0], minlength=1) < smallest)
    gone = np.isin(labels, small)
    labels[gone], sure[gone] = -1, 0
    inside = labels >= 0
    labels[inside] = np.unique(labels[inside], return_inverse=True)[1]
    return labels, sure


def _dragged_along(vectors: Vectors, labels: Labels) -> NDArray[np.bool_]:
    """What stands alone, and came into a cluster because its neighbours are there.

    Where it really is, it is farther from the centre than all that belong there: by the median and
    the median deviation of their cosines, as outliers are told.
    """
    out = np.zeros(len(vectors), bool)
    centres = unit(sums(vectors, labels, int(labels.max(initial=-1)) + 1))
    for rows, centre in zip(members(labels, len(centres)), centres, strict=True):
        cosines = vectors[rows] @ centre
        middle = np.median(cosines)
        deviation = max(_TO_SIGMA * np.median(np.abs(cosines - middle)), LEAST_DEVIATION)
        out[rows[cosines < middle - DEVIATIONS * deviation]] = True
    return out


def _edges(graph: NeighbourGraph) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    there = graph.indices.ravel() >= 0
    rows = np.repeat(np.arange(len(graph.indices), dtype=np.int32), graph.k)
    return rows[there], graph.indices.ravel()[there]


def _moved(
    vectors: Vectors, rows: NDArray[np.int32], columns: NDArray[np.int32], progress: Progress
) -> Vectors:
    from scipy.sparse import csr_matrix, identity

    n = len(vectors)
    ones = np.ones(len(rows), np.float32)
    near = csr_matrix((ones, (rows, columns)), (n, n)) + identity(n, np.float32, format="csr")
    moved = vectors
    for step in range(STEPS):
        progress.step("Drawing groups together", step, STEPS)
        moved = unit(np.asarray(near @ moved, np.float32))
    return moved


def _lengths(
    moved: Vectors, rows: NDArray[np.int32], columns: NDArray[np.int32], block: int = 65_536
) -> csr_matrix:
    """Distances along the edges, in both directions."""
    from scipy.sparse import csr_matrix

    lengths = np.empty(len(rows))
    for first in range(0, len(rows), block):
        some = slice(first, first + block)
        cosines = np.einsum("ij,ij->i", moved[rows[some]], moved[columns[some]])
        lengths[some] = np.sqrt(np.maximum(0, 2 - 2 * cosines))
    lengths = np.maximum(lengths, _SHORTEST)
    one_way = csr_matrix((lengths, (rows, columns)), (len(moved), len(moved)))
    return one_way.maximum(one_way.T).tocsr()


def _joined(lengths: csr_matrix) -> csr_matrix:
    """The graph with its separate parts hung onto the first by long edges: HDBSCAN wants one."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    _, part = connected_components(lengths, directed=False)
    _, first = np.unique(part, return_index=True)
    if len(first) == 1:
        return lengths
    here, there = np.zeros(len(first) - 1, np.int64), first[1:]
    ends = np.concatenate([here, there]), np.concatenate([there, here])
    bridges = csr_matrix((np.full(len(ends[0]), FAR), ends), lengths.shape)
    return (lengths + bridges).tocsr()
