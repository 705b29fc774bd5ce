"""A tree over clusters: which two are most alike, and which two of those, until one is left.

Average linkage (UPGMA; Sokal and Michener, 1958) over the clusters' centres: two groups are as
alike as their centres are on average. Centroid linkage proper may join two groups at a higher
likeness than the groups within them were joined at, which no tree can show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from indexer.analysis.clusters.kmeans import Vectors

MOST: Final = 5_000
"""Clusters that a tree is made of: the distances between them take 200 MB."""


@dataclass(frozen=True, slots=True)
class Node:
    """A cluster, or two nodes that were joined.

    `node`: the cluster's number, or one above all of them. `clusters`: what lies under it. `groups`
    is how many groups there are once it is made: cut there, it is one of them. `similarity`: mean
    cosine between the centres of the two that were joined, 1 for a cluster.
    """

    node: int
    parent: int | None
    children: tuple[int, ...]
    clusters: tuple[int, ...]
    groups: int
    similarity: float


def tree(numbers: Sequence[int], centres: Vectors) -> list[Node]:
    """The nodes over clusters with these numbers, the root first, the clusters last."""
    k = len(numbers)
    if k == 0:
        return []
    made: list[Node] = []
    parents: dict[int, int] = {}
    names = [int(number) for number in numbers]
    under: list[tuple[int, ...]] = [(name,) for name in names]
    for step, (left, right, distance) in enumerate(_joins(centres)):
        node = max(numbers) + 1 + step
        names.append(node)
        under.append(tuple(sorted(under[left] + under[right])))
        parents[names[left]] = parents[names[right]] = node
        children = (names[left], names[right])
        made.append(Node(node, None, children, under[-1], k - step - 1, 1 - distance))
    leaves = [Node(int(one), None, (), (int(one),), k, 1.0) for one in sorted(numbers)]
    return [replace(one, parent=parents.get(one.node)) for one in [*reversed(made), *leaves]]


def cut(nodes: Sequence[Node], groups: int) -> Mapping[int, int]:
    """The node that each cluster falls under when the tree is cut into so many groups.

    Into all clusters if there are fewer, into one if `groups` is below 1.
    """
    groups = min(max(groups, 1), max((node.groups for node in nodes), default=1))
    born = {node.node: node.groups for node in nodes}
    return {
        cluster: node.node
        for node in nodes
        if node.groups >= groups and (node.parent is None or born[node.parent] < groups)
        for cluster in node.clusters
    }


def _joins(centres: Vectors) -> list[tuple[int, int, float]]:
    """Pairs as scipy counts them: rows first, then what was joined before; and their distance."""
    if len(centres) < 2:
        return []
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    cosines = np.clip(centres.astype(np.float64) @ centres.T.astype(np.float64), -1, 1)
    distances = (2 - cosines - cosines.T) / 2
    np.fill_diagonal(distances, 0)
    joined = linkage(squareform(distances, checks=False), method="average")
    return [(int(left), int(right), float(distance)) for left, right, distance, _ in joined]
