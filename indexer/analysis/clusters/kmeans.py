"""Spherical k-means: clusters of unit vectors by cosine, at any size.

scikit-learn's k-means finds the centres on a sample, with its seeding and restarts; passes over all
vectors, block by block, then settle them (Dhillon and Modha, "Concept decompositions for large
sparse text data using clustering", 2001).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.method import Progress

Labels = NDArray[np.int32]
Vectors = NDArray[np.float32]

FEW: Final = 5_000
FEW_PER_CLUSTER: Final = 32
"""The sample is this large, or so large for each cluster. Where centres begin matters more than on
how many vectors, so many tries on few find better ones than few tries on many."""
MANY_TRIES: Final = 10
ONE_TRY: Final = 1
MANY_CLUSTERS: Final = 150
PASSES: Final = 10
SETTLED: Final = 0.001
"""The share of assets that still changes cluster below which no further pass is made."""
BLOCK: Final = 16_384


def cluster(vectors: Vectors, k: int, seed: int, progress: Progress) -> Labels:
    """The cluster of each unit vector, 0 to at most k - 1.

    Fewer come out where there are fewer different vectors; none is empty. Seeded.
    """
    progress.step("Finding centres", 0, k)
    sample = sampled(vectors, max(FEW, FEW_PER_CLUSTER * k), seed)
    centres = unit(fit(sample, k, seed, MANY_TRIES if k <= MANY_CLUSTERS else ONE_TRY))
    labels, _ = nearest(vectors, centres, progress)
    for _ in range(PASSES):
        centres = unit(sums(vectors, labels, len(centres)), centres)
        settled, _ = nearest(vectors, centres, progress)
        changed = float((settled != labels).mean())
        labels = settled
        if changed <= SETTLED:
            break
    return np.unique(labels, return_inverse=True)[1].astype(np.int32)


def fit(vectors: Vectors, k: int, seed: int, tries: int) -> Vectors:
    """Centres by scikit-learn's k-means, shape (at most k, dimension), not of length 1.

    The best of so many tries, each from other centres.
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    different = np.unique(vectors, axis=0)
    if len(different) <= k:
        return different
    # Its threads wait for each other every few hundred vectors: for few, one alone is faster.
    with threadpool_limits(1 if len(vectors) <= FEW else None):
        found = KMeans(k, n_init=tries, max_iter=50, random_state=seed).fit(vectors)
    return np.asarray(found.cluster_centers_, np.float32)


def sampled(vectors: Vectors, count: int, seed: int) -> Vectors:
    """All vectors, or so many drawn by chance, in their order."""
    if len(vectors) <= count:
        return vectors
    rows = np.random.default_rng(seed).choice(len(vectors), count, replace=False)
    return vectors[np.sort(rows)]


def nearest(
    vectors: Vectors, centres: Vectors, progress: Progress | None = None
) -> tuple[Labels, Vectors]:
    """For each row the index of the centre with the highest cosine, and that cosine."""
    import torch

    labels = np.empty(len(vectors), np.int32)
    similarities = np.empty(len(vectors), np.float32)
    across = torch.from_numpy(np.ascontiguousarray(centres.T))
    for first in range(0, len(vectors), BLOCK):
        block = slice(first, first + BLOCK)
        best = (torch.from_numpy(vectors[block]) @ across).max(dim=1)
        labels[block], similarities[block] = best.indices.numpy(), best.values.numpy()
        if progress is not None:
            progress.step("Assigning", first, len(vectors))
    return labels, similarities


def sums(vectors: Vectors, labels: Labels, k: int) -> Vectors:
    """The sum of the vectors of each cluster 0 to k - 1, shape (k, dimension); -1 is passed over.

    In double precision: a million small numbers are added up.
    """
    import torch

    total = torch.zeros((k + 1, vectors.shape[1]), dtype=torch.float64)
    for first in range(0, len(vectors), BLOCK):
        block = slice(first, first + BLOCK)
        places = torch.from_numpy(labels[block].astype(np.int64) + 1)
        total.index_add_(0, places, torch.from_numpy(vectors[block]).double())
    return np.asarray(total[1:].numpy(), np.float32)


def unit(rows: Vectors, instead: Vectors | None = None) -> Vectors:
    """The rows at length 1; one of length 0 is replaced by that of `instead`, or stays."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    made = np.asarray(rows / np.maximum(norms, 1e-12), np.float32)
    return made if instead is None else np.where(norms > 1e-12, made, instead)
