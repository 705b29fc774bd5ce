"""How far an asset stands from the others: four measures, each higher for what is stranger."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.neighbours import NeighbourGraph

Scores = NDArray[np.float64]

_NOISE = 1e-6
"""Cosine distances below this are what float32 makes of equal vectors."""
_LARGE = 0.9
"""Share of the assets that the large clusters hold together (He et al. 2003)."""
_BLOCK = 65_536
_STEPS = 30
"""Steps of a walk after which more of them change no ranking any more."""


def neighbour_distances(graph: NeighbourGraph) -> Scores:
    """Cosine distances, 1 - cos, to each neighbour, shape (n, k); NaN where there is none."""
    distances = 1 - graph.similarities.astype(np.float64)
    distances[distances < _NOISE] = 0
    distances[graph.indices < 0] = np.nan
    return distances


def mean_distance(graph: NeighbourGraph) -> Scores:
    """The mean cosine distance of each row to its k neighbours; NaN for a row without any.

    Kuan and Mueller (2022), Back to the Basics: Revisiting Out-of-Distribution Detection
    Baselines.
    """
    distances = neighbour_distances(graph)
    there = np.isfinite(distances)
    counts = there.sum(axis=1)
    sums = np.where(there, distances, 0).sum(axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def in_typical(distances: Scores) -> Scores:
    """Distances counted in typical ones: the median of those that there are is 1."""
    finite = distances[np.isfinite(distances)]
    return distances / max(float(np.median(finite)), _NOISE) if len(finite) else distances


def strangeness(distances: Scores) -> Scores:
    """Distances, counted in typical ones, as scores from 0 to 1: 1 - exp(-d).

    A typical distance has 0.63, whatever the space. (One minus the score of Kuan and Mueller, for
    whom higher is more usual.) Beyond some 37 typical distances float64 knows nothing below 1: rank
    by the distances.
    """
    return -np.expm1(-distances)


def local_outlier_factor(graph: NeighbourGraph) -> Scores:
    """How many times thinner it is around a row than around its neighbours; about 1 inside.

    Breunig, Kriegel, Ng and Sander (2000), LOF: Identifying Density-Based Local Outliers, with
    cosine distances and the graph's k neighbours. NaN for a row without any.
    """
    distances = neighbour_distances(graph)
    there = np.isfinite(distances)
    near = np.where(there, graph.indices, 0)
    furthest = np.where(there, distances, 0).max(axis=1)
    reached = np.where(there, np.maximum(furthest[near], distances), 0)
    counts = np.maximum(there.sum(axis=1), 1)
    # Equal vectors lie infinitely dense; scikit-learn bounds them the same way.
    density = 1 / (reached.sum(axis=1) / counts + 1e-10)
    around = np.where(there, density[near], 0).sum(axis=1) / counts
    return np.where(there.any(axis=1), around / density, np.nan)


def distance_to_centre(vectors: NDArray[np.float32], clusters: int, seed: int) -> Scores:
    """The cosine distance of each row to the nearest centre of a large cluster, by k-means.

    Large are the biggest ones that hold nine tenths of all rows together: a few strangers that are
    alike get a cluster of their own, and stay far from all others (He, Xu and Deng 2003,
    Discovering cluster-based local outliers).
    """
    from sklearn.cluster import KMeans

    clusters = min(clusters, len(vectors))
    if clusters == 1:
        centres = vectors.mean(axis=0, keepdims=True, dtype=np.float64)
    else:
        fitted = KMeans(clusters, n_init=3, random_state=seed).fit(vectors)
        sizes = np.bincount(fitted.labels_, minlength=clusters)
        order = np.argsort(-sizes, kind="stable")
        large = int(np.searchsorted(np.cumsum(sizes[order]), _LARGE * len(vectors))) + 1
        centres = fitted.cluster_centers_[order[:large]]
    return _distance_to_nearest(vectors, centres)


def distance_from_core(graph: NeighbourGraph) -> Scores:
    """How many times fewer walks lead to a row than to the best connected one, as a logarithm.

    Walks of 30 steps in the graph, neighbours taken both ways: eigenvector centrality (Bonacich
    1972) by power iteration. Whoever hangs on the crowd by few threads is far out, also as one of
    many who know each other. NaN for a row without a neighbour.
    """
    from scipy.sparse import csr_matrix, identity

    n, k = graph.indices.shape
    there = graph.indices >= 0
    rows = np.repeat(np.arange(n), k)[there.ravel()]
    links = csr_matrix((np.ones(len(rows)), (rows, graph.indices[there])), (n, n))
    # Staying is a step as well: else walks would swing between two halves of a graph.
    links = links.maximum(links.T) + identity(n, format="csr")
    walks = np.ones(n)
    for _ in range(_STEPS):
        walks = links @ walks
        walks /= walks.max()
    far = -np.log(np.maximum(walks, np.finfo(float).tiny))
    return np.where(there.any(axis=1), far, np.nan)


def _distance_to_nearest(vectors: NDArray[np.float32], centres: Scores) -> Scores:
    norms = np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), _NOISE)
    unit = (centres / norms).astype(np.float32)
    nearest = [
        (vectors[start : start + _BLOCK] @ unit.T).max(axis=1)
        for start in range(0, len(vectors), _BLOCK)
    ]
    distances = 1 - np.concatenate(nearest).astype(np.float64)
    distances[distances < _NOISE] = 0
    return distances


def fence(scores: Scores) -> float:
    """The score beyond which one is flagged: 1.5 interquartile ranges above the upper quartile.

    Tukey (1977), Exploratory Data Analysis: it holds for whatever spread the scores have, and up
    to a quarter of them may be strange without moving it much. Infinite without any score.
    """
    finite = scores[np.isfinite(scores)]
    if not len(finite):
        return float("inf")
    lower, upper = np.quantile(finite, [0.25, 0.75])
    return float(upper + 1.5 * (upper - lower))
