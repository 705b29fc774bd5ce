"""Numbers of clusters that stay from run to run, so that what a person said of them stays true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.clusters.kmeans import Labels
from indexer.domain import AssetId

SAME: Final = 0.3
"""Members that two clusters share, of all members of either, from which they are the same one."""


def numbered(
    ids: Sequence[AssetId],
    labels: Labels,
    former: Mapping[AssetId, int] | None,
    highest: int = 0,
) -> NDArray[np.int32]:
    """The number of each cluster 0 to k - 1: that of the former cluster it is most like, or a new.

    `former`: the cluster of each asset in the run before (below 0: none). Assets that were not in
    it, or are not here, say nothing. `highest`: the highest number that any run before has given,
    though its cluster may be gone; new ones lie above. Without a former run the largest is 1, and
    so on.
    """
    k = int(labels.max(initial=-1)) + 1
    numbers = np.zeros(k, np.int32)
    old = np.array([(former or {}).get(id, -1) for id in ids], np.int64)
    for cluster, number in _matched(labels, old, k):
        numbers[cluster] = number
    fresh = np.flatnonzero(numbers == 0)
    sizes = np.bincount(labels[labels >= 0], minlength=k)
    largest_first = fresh[np.argsort(-sizes[fresh], kind="stable")]
    highest = max(highest, *(former or {}).values(), 0)
    numbers[largest_first] = np.arange(len(fresh)) + highest + 1
    return numbers


def _matched(labels: Labels, old: NDArray[np.int64], k: int) -> list[tuple[int, int]]:
    """Pairs of a cluster and the number of a former one; each of both at most once."""
    from scipy.optimize import linear_sum_assignment

    both = (labels >= 0) & (old >= 0)
    if not both.any():
        return []
    known, places = np.unique(old[both], return_inverse=True)
    shared = np.zeros((k, len(known)))
    np.add.at(shared, (labels[both], places), 1)
    # Jaccard: shared members of those of either, among the assets of both runs.
    either = shared.sum(axis=1, keepdims=True) + shared.sum(axis=0, keepdims=True) - shared
    alike = shared / np.maximum(either, 1)
    rows, columns = linear_sum_assignment(-alike)
    return [
        (int(row), int(known[column]))
        for row, column in zip(rows, columns, strict=True)
        if alike[row, column] >= SAME
    ]
