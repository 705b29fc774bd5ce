"""Measures clusters: how good, how fast, and beside whom.

    python -m tests.bench clusters FOLDER [--part flowers|million|density] [--peers]

`FOLDER` is that of the data, with `flowers5`. Prints JSON.

    flowers  five classes of flowers with the bundled model, against their labels, beside
             scikit-learn's KMeans on the same vectors
    million  a million vectors of 384 dimensions in 200 groups, beside scikit-learn's
             MiniBatchKMeans in the same run
    density  100,000 vectors in groups of unequal size and a tenth strewn between them; with
             `--peers` beside EVoC, which must be installed
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from indexer.analysis.clusters import choosing, density, kmeans
from indexer.analysis.neighbours import NeighbourGraph
from indexer.embedders.loading import LoadedEmbedders
from tests.bench.report import write

SEED: Final = 0
DIMENSION: Final = 384
Vectors = NDArray[np.float32]
Labels = NDArray[Any]


class Quiet:
    """Nobody watches."""

    def step(self, what: str, done: int = 0, total: int | None = None) -> None:
        """Nothing."""


def flowers(folder: Path) -> dict[str, object]:
    """Agreement with the labels, ours and scikit-learn's, over ten seeds."""
    from sklearn.cluster import KMeans

    vectors, truth = _pictures(folder / "flowers5")
    seeds = range(10)
    classes = len(set(truth.tolist()))
    ours = [kmeans.cluster(vectors, classes, seed, Quiet()) for seed in seeds]
    theirs = [KMeans(classes, n_init=10, random_state=seed).fit(vectors).labels_ for seed in seeds]
    tried = choosing.choices(vectors, SEED, Quiet())
    chosen = kmeans.cluster(vectors, choosing.best(tried), SEED, Quiet())
    graph = graph_of(vectors, density.NEIGHBOURS)
    dense, _ = density.cluster(vectors, graph, density.smallest_cluster(len(vectors)), Quiet())
    return {
        "assets": len(vectors),
        "ours": _agreement(truth, ours),
        "scikit-learn KMeans": _agreement(truth, theirs),
        "k chosen": {"k": choosing.best(tried), **_agreement(truth, [chosen])},
        "density": _with_noise(truth, dense),
    }


def million(count: int, k: int) -> dict[str, object]:
    """Seconds, and the mean cosine to the centre as a share of MiniBatchKMeans'."""
    from sklearn.cluster import MiniBatchKMeans

    vectors, truth = groups(count, k, spread=1.0)
    ours, seconds = _timed(lambda: kmeans.cluster(vectors, k, SEED, Quiet()))
    rival = MiniBatchKMeans(k, batch_size=4096, n_init=3, random_state=SEED)
    theirs, rival_seconds = _timed(lambda: rival.fit(vectors).labels_)
    _, choosing_seconds = _timed(lambda: choosing.choices(vectors, SEED, Quiet()))
    return {
        "assets": count,
        "k": k,
        "ours": {"seconds": seconds, **_quality(vectors, truth, ours)},
        "scikit-learn MiniBatchKMeans": {
            "seconds": rival_seconds,
            **_quality(vectors, truth, theirs),
        },
        "seconds to choose k": choosing_seconds,
    }


def dense(count: int, peers: bool) -> dict[str, object]:
    """Groups of unequal size, and a tenth that is in none: who is told to be where?"""
    inside, truth = groups(count * 9 // 10, 100, spread=1.3, unequal=True)
    strewn, _ = groups(count - len(inside), count - len(inside), spread=0.0, seed=SEED + 1)
    vectors = np.concatenate([inside, strewn])
    truth = np.concatenate([truth, np.full(len(strewn), -1)])
    graph, graph_seconds = _timed(lambda: graph_of(vectors, density.NEIGHBOURS))
    smallest = density.smallest_cluster(count)
    ours, seconds = _timed(lambda: density.cluster(vectors, graph, smallest, Quiet())[0])
    told: dict[str, object] = {
        "assets": count,
        "seconds for the graph": graph_seconds,
        "ours": {"seconds with the graph there": seconds, **_with_noise(truth, ours)},
    }
    if peers:
        from evoc import EVoC

        EVoC(random_state=SEED).fit_predict(vectors[:2000])  # compiles
        theirs, seconds = _timed(lambda: EVoC(random_state=SEED).fit_predict(vectors))
        told["EVoC"] = {"seconds, its graph included": seconds, **_with_noise(truth, theirs)}
    return told


def groups(
    count: int, k: int, *, spread: float, unequal: bool = False, seed: int = SEED
) -> tuple[Vectors, Labels]:
    """Unit vectors around k centres in all directions; `spread` is noise to signal in length."""
    chance = np.random.default_rng(seed)
    centres = chance.standard_normal((k, DIMENSION), np.float32)
    shares = chance.pareto(2.0, k) + 0.2 if unequal else np.ones(k)
    truth = chance.choice(k, count, p=shares / shares.sum()) if k < count else np.arange(count)
    vectors = np.empty((count, DIMENSION), np.float32)
    for first in range(0, count, 65_536):
        some = slice(first, first + 65_536)
        noise = chance.standard_normal((len(truth[some]), DIMENSION), np.float32)
        vectors[some] = kmeans.unit(centres[truth[some]] + np.float32(spread) * noise)
    return vectors, truth


def graph_of(vectors: Vectors, k: int) -> NeighbourGraph:
    """The exact graph, in blocks."""
    import torch

    rows = torch.from_numpy(vectors)
    indices = np.empty((len(vectors), k), np.int32)
    similarities = np.empty((len(vectors), k), np.float32)
    for first in range(0, len(vectors), 1024):
        cosines = rows[first : first + 1024] @ rows.T
        places = torch.arange(len(cosines))
        cosines[places, places + first] = -2
        best = cosines.topk(k, dim=1)
        indices[first : first + 1024] = best.indices.numpy()
        similarities[first : first + 1024] = best.values.numpy()
    return NeighbourGraph(indices, similarities)


def _quality(vectors: Vectors, truth: Labels, labels: Labels) -> dict[str, float]:
    from sklearn.metrics import normalized_mutual_info_score

    labels = labels.astype(np.int32)
    centres = kmeans.unit(kmeans.sums(vectors, labels, int(labels.max()) + 1))
    total = sum(
        float(np.einsum("ij,ij->", vectors[some], centres[labels[some]]))
        for some in (slice(first, first + 65_536) for first in range(0, len(vectors), 65_536))
    )
    agreement = float(normalized_mutual_info_score(truth, labels))
    return {"mean cosine": round(total / len(vectors), 5), "nmi": round(agreement, 4)}


def _agreement(truth: Labels, found: Sequence[Labels]) -> dict[str, float]:
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    nmi = [normalized_mutual_info_score(truth, labels) for labels in found]
    ari = [adjusted_rand_score(truth, labels) for labels in found]
    return {
        "nmi": round(float(np.mean(nmi)), 4),
        "nmi_deviation": round(float(np.std(nmi)), 4),
        "ari": round(float(np.mean(ari)), 4),
    }


def _with_noise(truth: Labels, labels: Labels) -> dict[str, object]:
    inside = labels >= 0
    return {
        "clusters": int(labels.max(initial=-1)) + 1,
        "noise_share": round(float((~inside).mean()), 4),
        "of all": _agreement(truth, [labels]),
        "of what is clustered": _agreement(truth[inside], [labels[inside]]),
        "strewn told as noise": (
            round(float((~inside[truth < 0]).mean()), 4) if (truth < 0).any() else None
        ),
    }


def _pictures(folder: Path) -> tuple[Vectors, Labels]:
    embedder = LoadedEmbedders().get("mini")
    files = sorted(folder.rglob("*.jpg"))
    prepared = [embedder.prepare(PIL.Image.open(file).convert("RGB")) for file in files]
    names = [file.parent.name for file in files]
    return embedder.embed_images(prepared), np.unique(names, return_inverse=True)[1]


def _timed(run: Callable[[], Any]) -> tuple[Any, float]:
    began = time.perf_counter()
    result = run()
    return result, round(time.perf_counter() - began, 2)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="the folder of the data")
    parser.add_argument("--part", choices=["flowers", "million", "density"], action="append")
    parser.add_argument("--count", type=int, default=1_000_000, help="vectors of `million`")
    parser.add_argument("--peers", action="store_true", help="EVoC beside `density`")
    chosen = parser.parse_args(arguments)
    parts = chosen.part or ["flowers", "million", "density"]
    result: dict[str, object] = {}
    if "flowers" in parts:
        result["flowers"] = flowers(chosen.folder)
    if "million" in parts:
        result["million"] = million(chosen.count, 200)
    if "density" in parts:
        result["density"] = dense(min(chosen.count, 100_000), chosen.peers)
    write("clusters", result)


if __name__ == "__main__":
    main()
