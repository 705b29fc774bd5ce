"""How far two Spaces agree on the whole: on distances, and on which groups there are."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

SAMPLE = 10_000
"""Groups are sought in so many assets at most: the agreement of more is the same to a per cent."""

A_GROUP = 10
"""Assets there are for each group at least: groups of one or two agree in any two Spaces."""

_PAIRS = 100_000
_ROWS = 1 << 14


def alignment(a: Vectors, b: Vectors) -> float | None:
    """Linear CKA (Kornblith et al. 2019): 1 for Spaces that differ by rotation and scale, 0 for
    unrelated ones; over all assets. None where one Space has no spread.

    With few assets for the number of dimensions unrelated Spaces have more than 0.
    """
    mean_a, mean_b = (v.mean(axis=0, dtype=np.float64).astype(np.float32) for v in (a, b))
    own_a = np.zeros((a.shape[1],) * 2)
    own_b = np.zeros((b.shape[1],) * 2)
    between = np.zeros((a.shape[1], b.shape[1]))
    for first in range(0, len(a), _ROWS):
        rows = slice(first, first + _ROWS)
        one, other = a[rows] - mean_a, b[rows] - mean_b
        own_a += one.T @ one
        own_b += other.T @ other
        between += one.T @ other
    scale = float(np.linalg.norm(own_a) * np.linalg.norm(own_b))
    return float((between * between).sum()) / scale if scale > 1e-9 else None


def rank_agreement(a: Vectors, b: Vectors, seed: int) -> float | None:
    """Spearman's correlation of the cosines of random pairs: do both call the same pairs alike?

    None where all pairs of a Space are equally alike.
    """
    from scipy.stats import spearmanr

    n = len(a)
    chance = np.random.default_rng(seed)
    one = chance.integers(0, n, _PAIRS)
    other = (one + chance.integers(1, n, _PAIRS)) % n
    alike = [np.einsum("ij,ij->i", v[one], v[other]) for v in (a, b)]
    if any(np.ptp(cosines) < 1e-6 for cosines in alike):
        return None
    return float(spearmanr(*alike).statistic)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Groups found in each Space by k-means, held against each other: 1 for the same.

    For groups that have nothing in common ARI and AMI are about 0, and NMI is above it the more,
    the smaller the groups.
    """

    clusters: int
    sample: int
    ari: float
    ami: float
    nmi: float


def cluster_agreement(a: Vectors, b: Vectors, clusters: int, seed: int) -> Agreement | None:
    """Adjusted Rand index (Hubert & Arabie 1985), adjusted mutual information (Vinh, Epps & Bailey
    2010) and normalised mutual information of k-means groups, ten assets a group or more.

    None for fewer assets than two such groups have.
    """
    from sklearn import metrics

    rows: NDArray[np.intp] = np.arange(len(a))
    if len(rows) > SAMPLE:
        rows = np.sort(np.random.default_rng(seed).choice(len(a), SAMPLE, replace=False))
    clusters = min(clusters, len(rows) // A_GROUP)
    if clusters < 2:
        return None
    both = tuple(_groups(vectors[rows], clusters, seed) for vectors in (a, b))
    return Agreement(
        clusters,
        len(rows),
        ari=float(metrics.adjusted_rand_score(*both)),
        ami=float(metrics.adjusted_mutual_info_score(*both)),
        nmi=float(metrics.normalized_mutual_info_score(*both)),
    )


def _groups(vectors: Vectors, clusters: int, seed: int) -> NDArray[np.int32]:
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    model = KMeans(clusters, n_init=4, random_state=seed)
    with warnings.catch_warnings():
        # fewer different vectors than groups: then some groups are empty, which is as it should be
        warnings.simplefilter("ignore", ConvergenceWarning)
        groups: NDArray[np.int32] = model.fit_predict(vectors)
    return groups
