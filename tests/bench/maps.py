"""Maps of 10,000 and 100,000 assets: seconds, memory and trustworthiness, beside umap-learn.

Vectors: 384 dimensions, in 100 groups of unequal size, each along a few directions of its own, with
noise; as models make them, and with no data from elsewhere. umap-learn builds a graph of its own;
ours is given the one that all analyses share, whose time stands beside.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.bench import report

DIMENSION = 384


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench maps", description=__doc__)
    parser.add_argument("--assets", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--peer-up-to", type=int, default=100_000, help="umap-learn's largest")
    parser.add_argument("--one", nargs=2, metavar=("WHICH", "ASSETS"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        print(json.dumps(_one(options.one[0], int(options.one[1]))))
        return
    found = {}
    for count in options.assets:
        peers = ["umap-learn"] if count <= options.peer_up_to else []
        found[str(count)] = {which: _alone(which, count) for which in ["semblance", *peers]}
    report.write("maps", {"dimension": DIMENSION, "by_assets": found})


def _alone(which: str, count: int) -> Any:
    """In a process of its own, so that compiling counts and memory is its own."""
    command = [sys.executable, "-m", "tests.bench", "maps", "--one", which, str(count)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _one(which: str, count: int) -> dict[str, object]:
    vectors = _vectors(count)
    before = _peak()
    drawn = {"semblance": _ours, "umap-learn": _peer}[which](vectors)
    return {**drawn, "mib_over_the_vectors": round(_peak() - before)}


def _ours(vectors: NDArray[np.float32]) -> dict[str, object]:
    from indexer.analysis.maps import METHOD
    from indexer.analysis.neighbours import nearest_neighbours
    from tests.map_subjects import Told, subject, with_graph

    began = time.perf_counter()
    graph = nearest_neighbours(vectors, 15, Told())
    graph_seconds = time.perf_counter() - began
    given = with_graph(subject(vectors), graph)
    began, worked = time.perf_counter(), time.process_time()
    outcome = METHOD.run(given, METHOD.chosen({}))
    return {
        "graph_seconds": round(graph_seconds, 1),
        "map_seconds": round(time.perf_counter() - began, 1),
        "map_processor_seconds": round(time.process_time() - worked, 1),
        "trustworthiness": outcome.summary["trustworthiness"],
    }


def _peer(vectors: NDArray[np.float32]) -> dict[str, object]:
    from indexer.analysis.maps.trust import trustworthiness
    from tests.map_subjects import Told

    began, worked = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from umap import UMAP

        positions = UMAP(metric="cosine", random_state=0, n_jobs=1).fit_transform(vectors)
    seconds, processor = time.perf_counter() - began, time.process_time() - worked
    trust = trustworthiness(vectors, positions, 15, 0, Told())
    return {
        "graph_and_map_seconds": round(seconds, 1),
        "graph_and_map_processor_seconds": round(processor, 1),
        "trustworthiness": None if trust is None else round(trust.value, 4),
    }


def _vectors(count: int) -> NDArray[np.float32]:
    chance = np.random.default_rng(0)
    groups, inner = 100, 8
    of = chance.choice(groups, count, p=chance.dirichlet(np.full(groups, 2.0)))
    centres = chance.normal(size=(groups, DIMENSION))
    along = chance.normal(size=(groups, inner, DIMENSION)) * 0.4
    vectors = np.empty((count, DIMENSION), np.float32)
    for group in range(groups):
        rows = np.flatnonzero(of == group)
        inside = chance.normal(size=(len(rows), inner)) @ along[group]
        noise = 0.3 * chance.normal(size=(len(rows), DIMENSION))
        vectors[rows] = centres[group] + inside + noise
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def _peak() -> float:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
