"""One program that builds a neighbour graph, run by `tests.bench.graph` in a process of its own.

Peers run in a Python that need not have Semblance: nothing of it is imported at the top.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np


def semblance(vectors: Any, k: int) -> tuple[Any, dict[str, object]]:
    """As an analysis does it, with this machine's arithmetic."""
    from indexer.analysis.neighbours import nearest_neighbours

    class Silent:
        def step(self, what: str, done: int = 0, total: int | None = None) -> None:
            pass

    graph = nearest_neighbours(vectors, k, Silent())
    return graph.indices, {"told_recall": round(graph.recall, 4)}


def pynndescent(vectors: Any, k: int) -> tuple[Any, dict[str, object]]:
    """As UMAP calls it, apart from the numbers of trees and rounds, which are its own defaults."""
    from pynndescent import NNDescent  # type: ignore[import-not-found, import-untyped, unused-ignore]

    index = NNDescent(vectors, metric="cosine", n_neighbors=k + 1, random_state=0)
    indices, _ = index.neighbor_graph
    return indices, {}


def hnswlib(vectors: Any, k: int) -> tuple[Any, dict[str, object]]:
    """M 16, ef 200 to build and 100 to search: what is usually recommended."""
    import hnswlib as library  # type: ignore[import-not-found, import-untyped, unused-ignore]

    index = library.Index(space="cosine", dim=vectors.shape[1])
    index.init_index(len(vectors), M=16, ef_construction=200, random_seed=0)
    index.add_items(vectors)
    index.set_ef(100)
    indices, _ = index.knn_query(vectors, k + 1)
    return indices.astype(np.int32), {}


PROGRAMS: dict[str, Callable[[Any, int], tuple[Any, dict[str, object]]]] = {
    "semblance": semblance,
    "pynndescent": pynndescent,
    "hnswlib": hnswlib,
}


def main(program: str, file: str, k: str, out: str) -> None:
    vectors = np.load(file)
    run = PROGRAMS[program]
    run(vectors[:2000], int(k))  # what is compiled or loaded at the first call is not counted
    wall, processor = time.perf_counter(), time.process_time()
    indices, more = run(vectors, int(k))
    told = {
        "seconds": round(time.perf_counter() - wall, 1),
        "processor_seconds": round(time.process_time() - processor, 1),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        **more,
    }
    np.save(out, indices)
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
