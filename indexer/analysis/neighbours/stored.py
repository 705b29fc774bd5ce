"""The neighbour graph as the store's own index finds it, where vectors leave memory no room.

The vectors of an analysis are in memory already: what is spared is what comparing them would take.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.gathering import Scope
from indexer.analysis.method import Progress
from indexer.analysis.neighbours.graph import NeighbourGraph, no_neighbours
from indexer.batches import batches
from indexer.domain import AssetId, NearestQuery
from indexer.ledger import scroll_all
from indexer.ports import VectorStore

QUERIES = 100
"""A call: the engine in process holds the interpreter for the whole of each."""
SHARE_OF_MEMORY = 0.5
"""Of the machine's memory, which vectors may take before the store is asked instead."""
SAMPLE = 200


def outgrows_memory(n: int, dimension: int) -> bool:
    """Whether n vectors take more than half of this machine's memory.

    To find the graph in memory takes half of them once more on some machines, and about a kilobyte
    a vector.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return n * dimension * 4 > SHARE_OF_MEMORY * memory


def from_store(
    store: VectorStore,
    scope: Scope,
    ids: Sequence[AssetId],
    k: int,
    progress: Progress,
    *,
    seed: int = 0,
) -> NeighbourGraph:
    """The k nearest of `ids` to each of `ids`, in their order, as the store's index finds them.

    Takes one query an asset, and of memory no more than the graph. `recall` is measured on a
    sample, which is compared with every vector of the scope. An asset that is deleted meanwhile has
    no neighbours and is none.
    """
    row = {id: number for number, id in enumerate(ids)}
    graph = no_neighbours(len(ids), k)
    for start, batch in zip(range(0, len(ids), QUERIES), batches(ids, QUERIES), strict=False):
        progress.step("Asking the store", start, len(ids))
        _ask(store, scope, batch, row, graph)
    return NeighbourGraph(
        graph.indices, graph.similarities, _recall(store, scope, ids, graph, progress, seed)
    )


def _ask(
    store: VectorStore,
    scope: Scope,
    batch: Sequence[AssetId],
    row: dict[AssetId, int],
    graph: NeighbourGraph,
) -> None:
    name, condition = scope.space.name, scope.with_vector()
    points = [point for point in store.get(scope.collection, batch, [name]) if point.vectors]
    queries = [
        # one more than wanted: the asset finds itself
        NearestQuery(name, point.vectors[name], graph.k + 1, filter=condition, payload=False)
        for point in points
    ]
    for point, hits in zip(points, store.nearest(scope.collection, queries), strict=True):
        others = [hit for hit in hits if hit.id != point.id and hit.id in row][: graph.k]
        graph.indices[row[point.id], : len(others)] = [row[hit.id] for hit in others]
        scores = np.array([hit.score for hit in others], np.float32)
        graph.similarities[row[point.id], : len(others)] = scores.clip(-1, 1)


def _recall(
    store: VectorStore,
    scope: Scope,
    ids: Sequence[AssetId],
    graph: NeighbourGraph,
    progress: Progress,
    seed: int,
) -> float:
    """The share of true neighbours that a sample has found, ties aside."""
    kept = min(graph.k, len(ids) - 1)
    if kept < 1:
        return 1.0
    chosen = np.random.default_rng(seed).permutation(len(ids))[:SAMPLE]
    asked = [ids[number] for number in chosen]
    name = scope.space.name
    points = store.get(scope.collection, asked, [name])
    there = {point.id: point.vectors[name] for point in points if name in point.vectors}
    rows = np.array([number for number in chosen if ids[number] in there], np.int64)
    if len(rows) == 0:
        return 1.0
    vectors = np.stack([there[ids[number]] for number in rows])
    best = _best_of_all(store, scope, [ids[number] for number in rows], vectors, kept, progress)
    # scores of the engine and products here differ in their last digits
    found = graph.similarities[rows, :kept] >= best[:, -1:] - 1e-5
    return float(found[np.isfinite(best[:, -1])].mean())


def _best_of_all(
    store: VectorStore,
    scope: Scope,
    own: Sequence[AssetId],
    vectors: NDArray[np.float32],
    k: int,
    progress: Progress,
) -> NDArray[np.float32]:
    """The k greatest similarities of each vector to any other of the scope, falling."""
    name = scope.space.name
    place = {id: number for number, id in enumerate(own)}
    best = np.full((len(vectors), k), -np.inf, np.float32)
    everything = scroll_all(store, scope.collection, scope.with_vector(), fields=(), spaces=(name,))
    for page in batches(everything, 1000):
        progress.step("Measuring recall")
        others = [point for point in page if name in point.vectors]
        block = vectors @ np.stack([point.vectors[name] for point in others]).T
        for column, point in enumerate(others):
            if point.id in place:
                block[place[point.id], column] = -np.inf
        best = -np.sort(-np.concatenate([best, block], 1), axis=1)[:, :k]
    return best
