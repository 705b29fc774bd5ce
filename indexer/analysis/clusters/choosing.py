"""How many clusters there are: the k whose clusters keep near neighbours together best.

The criterion is the modularity of the neighbour graph (Newman and Girvan, 2004; directed as Leicht
and Newman, 2008): the share of nearest neighbours that lie in the same cluster, less the share that
would by chance. Few large clusters keep many neighbours together but so would chance; many small
ones tear them apart; in between it is highest. The silhouette, the usual criterion, was highest at
two clusters for photos of five flowers and for photos of ten garments: in so many dimensions all
distances are alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.clusters.kmeans import Labels, Vectors, fit, nearest, sampled, unit
from indexer.analysis.method import Progress

SAMPLE: Final = 3_000
NEIGHBOURS: Final = 10
FEWEST_IN_EACH: Final = 4
"""So many assets of the sample for each cluster, on average, at the largest k tried."""
LADDER: Final = (
    *range(2, 13),
    *(14, 16, 18, 20, 23, 26, 30, 35, 40, 50, 60, 75, 90, 110, 130, 150),
)
TRIES: Final = 3
FALLEN: Final = 0.85
"""The share of the best so far below which no larger k is tried: it falls on from there."""
CRITERION: Final = "modularity of the neighbour graph"


@dataclass(frozen=True, slots=True)
class Choice:
    """A number of clusters that was tried, and how well it keeps neighbours together (-1 to 1)."""

    k: int
    modularity: float


def choices(vectors: Vectors, seed: int, progress: Progress) -> list[Choice]:
    """Each k of the ladder that suits so many vectors, tried on a sample, until it gets worse."""
    sample = sampled(vectors, SAMPLE, seed)
    neighbours = nearest_others(sample, min(NEIGHBOURS, len(sample) - 1))
    ladder = [k for k in LADDER if k == 2 or k * FEWEST_IN_EACH <= len(sample)]
    tried = []
    for done, k in enumerate(ladder):
        progress.step("Choosing how many", done, len(ladder))
        labels, _ = nearest(sample, unit(fit(sample, k, seed, TRIES)))
        tried.append(Choice(k, modularity(neighbours, labels)))
        if tried[-1].modularity < FALLEN * max(choice.modularity for choice in tried):
            break
    return tried


def best(tried: list[Choice]) -> int:
    """The k with the highest modularity; of equal ones the smallest."""
    return max(tried, key=lambda choice: (round(choice.modularity, 6), -choice.k)).k


def nearest_others(vectors: Vectors, k: int) -> NDArray[np.int64]:
    """The k nearest other rows of each row by cosine, exactly; shape (n, k)."""
    import torch

    rows = torch.from_numpy(vectors)
    similarities = rows @ rows.T
    similarities.fill_diagonal_(-2)
    return np.asarray(similarities.topk(k, dim=1).indices.numpy())


def modularity(neighbours: NDArray[np.int64], labels: Labels) -> float:
    """Neighbours in the same cluster, as a share of all, less what chance would give.

    `neighbours` as of `nearest_others`; each row points at k others and is pointed at by some.
    """
    n, k = neighbours.shape
    together = float((labels[neighbours] == labels[:, None]).mean())
    clusters = int(labels.max()) + 1
    pointing = np.bincount(labels, minlength=clusters) / n
    pointed_at = np.bincount(labels[neighbours].ravel(), minlength=clusters) / (n * k)
    return together - float(pointing @ pointed_at)
