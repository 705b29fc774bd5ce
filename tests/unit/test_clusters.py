"""Clusters of few vectors, each checked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.analysis.clusters import choosing, density, hierarchy, kmeans
from indexer.analysis.clusters.matching import numbered
from indexer.analysis.clusters.portraits import portray
from indexer.analysis.neighbours import NeighbourGraph

Vectors = NDArray[np.float32]


class Steps:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def step(self, what: str, done: int = 0, total: int | None = None) -> None:
        self.told.append(what)


def angles(*degrees: float) -> Vectors:
    """Unit vectors in the plane."""
    turned = np.radians(degrees)
    return np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)


def blobs(groups: int, each: int, spread: float, dimension: int = 64, seed: int = 0) -> Vectors:
    """Groups of unit vectors around centres at right angles to each other, in order."""
    noise = np.random.default_rng(seed).standard_normal((groups * each, dimension))
    rows = np.repeat(np.eye(groups, dimension), each, axis=0) + spread * noise / dimension**0.5
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def graph_of(vectors: Vectors, k: int) -> NeighbourGraph:
    near = choosing.nearest_others(vectors, k)
    cosines = np.take_along_axis(vectors @ vectors.T, near, 1)
    return NeighbourGraph(near.astype(np.int32), cosines)


def agreeing(labels: NDArray[np.int32], groups: int, each: int) -> float:
    """The share of vectors in the cluster that most of their group is in; each group its own."""
    parts = labels.reshape(groups, each)
    most = [int(np.bincount(part[part >= 0]).argmax()) for part in parts]
    assert len(set(most)) == groups
    return float(np.mean([(part == one).mean() for part, one in zip(parts, most, strict=True)]))


def test_two_bundles_of_directions_are_two_clusters() -> None:
    labels = kmeans.cluster(angles(0, 5, 10, 90, 95, 100), 2, 0, Steps())
    assert labels[0] == labels[1] == labels[2]
    assert labels[3] == labels[4] == labels[5]
    assert set(labels.tolist()) == {0, 1}


def test_groups_are_found_by_a_sample_and_passes_over_all() -> None:
    vectors = blobs(5, 6000, 0.7)  # more than the sample
    steps = Steps()
    assert agreeing(kmeans.cluster(vectors, 5, 0, steps), 5, 6000) > 0.999
    assert {"Finding centres", "Assigning"} <= set(steps.told)


def test_the_same_seed_gives_the_same() -> None:
    vectors = blobs(8, 40, 2.0)
    first, second = (kmeans.cluster(vectors, 8, 3, Steps()) for _ in range(2))
    assert (first == second).all()


def test_there_are_no_more_clusters_than_different_vectors() -> None:
    assert set(kmeans.cluster(angles(0, 0, 0, 90, 90), 4, 0, Steps()).tolist()) == {0, 1}


def test_sums_pass_over_what_is_in_no_cluster() -> None:
    rows = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    total = kmeans.sums(rows, np.array([1, -1, 1], np.int32), 2)
    assert total.tolist() == [[0, 0], [6, 8]]


def test_modularity_of_two_pairs_by_hand() -> None:
    # 0 and 1 point at each other, so do 2 and 3: all arrows stay inside; chance gives 1/2.
    pairs = np.array([[1], [0], [3], [2]])
    assert choosing.modularity(pairs, np.array([0, 0, 1, 1], np.int32)) == pytest.approx(0.5)
    # one cluster holds all arrows, as chance would
    assert choosing.modularity(pairs, np.zeros(4, np.int32)) == pytest.approx(0)
    # torn apart: no arrow stays inside, chance gives 1/2
    assert choosing.modularity(pairs, np.array([0, 1, 0, 1], np.int32)) == pytest.approx(-0.5)


@pytest.mark.parametrize("groups", [3, 7, 12])
def test_as_many_clusters_are_chosen_as_there_are_groups(groups: int) -> None:
    tried = choosing.choices(blobs(groups, 40, 0.8), 0, Steps())
    assert choosing.best(tried) == groups
    assert [choice.k for choice in tried][:3] == [2, 3, 4]


def test_density_finds_the_groups_and_leaves_out_what_lies_between() -> None:
    scattered = np.random.default_rng(1).standard_normal((30, 64)).astype(np.float32)
    scattered /= np.linalg.norm(scattered, axis=1, keepdims=True)
    vectors = np.concatenate([blobs(4, 50, 0.6), scattered])
    labels, sure = density.cluster(vectors, graph_of(vectors, 15), 10, Steps())
    assert set(labels.tolist()) == {-1, 0, 1, 2, 3}
    assert agreeing(labels[:200], 4, 50) > 0.95
    assert (labels[200:] == -1).mean() > 0.8
    assert (sure[labels == -1] == 0).all()
    assert sure[labels >= 0].min() > 0


def test_variants_of_what_is_there_many_times_belong_to_it() -> None:
    # half of the group are the same, so the median deviation is 0
    same, variants = np.repeat(np.eye(1, 64), 12, axis=0), blobs(1, 10, 0.08)
    other = np.roll(blobs(1, 30, 0.3, seed=3), 5, axis=1)
    vectors = np.concatenate([same, variants, other]).astype(np.float32)
    labels, _ = density.cluster(vectors, graph_of(vectors, 15), 5, Steps())
    assert len(set(labels[:22].tolist())) == 1
    assert labels[0] >= 0


def test_density_calls_few_vectors_no_cluster() -> None:
    vectors = angles(0, 1, 2, 90)
    labels, _ = density.cluster(vectors, graph_of(vectors, 3), 5, Steps())
    assert labels.tolist() == [-1, -1, -1, -1]


def test_parts_of_the_graph_that_no_edge_joins_are_clustered_together() -> None:
    vectors = blobs(3, 20, 0.05)  # each group's 5 neighbours are its own
    labels, _ = density.cluster(vectors, graph_of(vectors, 5), 5, Steps())
    assert agreeing(labels, 3, 20) > 0.9


def test_a_portrait_by_hand() -> None:
    labels = np.array([0, 0, 0, 1, -1], np.int32)
    found = portray(angles(-10, 0, 10, 90, 80), labels, 2)
    assert found.sizes.tolist() == [3, 1]
    assert found.centres == pytest.approx(angles(0, 90), abs=1e-6)
    ten = np.cos(np.radians(10))
    assert found.similarities == pytest.approx([ten, 1, ten, 1, ten], abs=1e-6)
    assert found.cohesion == pytest.approx([(1 + 2 * ten) / 3, 1], abs=1e-6)
    # the nearest first; the others are nearly the same, but two are wanted
    assert found.representatives[0][0] == 1
    assert len(found.representatives[0]) == 2
    assert found.representatives[1] == [3]


def test_what_is_nearly_the_same_does_not_stand_for_a_cluster_twice() -> None:
    # 0 and 1 degrees are alike; 30 degrees is farther from the centre and yet says more
    found = portray(angles(0, 1, -30, 30), np.zeros(4, np.int32), 3)
    assert {0, 1} - set(found.representatives[0])
    assert {2, 3} <= set(found.representatives[0])


def test_the_tree_joins_what_is_most_alike_first() -> None:
    nodes = hierarchy.tree([1, 2, 3], angles(0, 10, 90))
    root, pair, *leaves = nodes
    assert (root.children, root.clusters, root.groups, root.parent) == ((3, 4), (1, 2, 3), 1, None)
    assert (pair.node, pair.children, pair.groups, pair.parent) == (4, (1, 2), 2, 5)
    assert pair.similarity == pytest.approx(np.cos(np.radians(10)))
    # UPGMA: the mean of cos 90° and cos 80°
    assert root.similarity == pytest.approx(np.cos(np.radians(80)) / 2, abs=1e-6)
    assert [(leaf.node, leaf.parent) for leaf in leaves] == [(1, 4), (2, 4), (3, 5)]
    assert hierarchy.cut(nodes, 2) == {1: 4, 2: 4, 3: 3}
    assert hierarchy.cut(nodes, 1) == {1: 5, 2: 5, 3: 5}
    assert hierarchy.cut(nodes, 99) == {1: 1, 2: 2, 3: 3}
    assert hierarchy.tree([], np.empty((0, 2), np.float32)) == []


def test_numbers_begin_with_the_largest() -> None:
    labels = np.array([0, 1, 1, 1, -1], np.int32)
    assert numbered(list("abcde"), labels, None).tolist() == [2, 1]


def test_a_cluster_keeps_its_number_and_a_new_one_gets_one_never_used() -> None:
    former = {"a": 4, "b": 4, "c": 9, "d": 9, "gone": 9, "e": -1}
    # first cluster: c, d and a newcomer; second: a, b; third: only newcomers
    ids, labels = list("abcdexyz"), np.array([1, 1, 0, 0, -1, 0, 2, 2], np.int32)
    assert numbered(ids, labels, former).tolist() == [9, 4, 10]


def test_a_number_whose_cluster_is_gone_is_not_given_again() -> None:
    # a run before gave 3, the last one had 1 and 2 alone
    former = {"a": 1, "b": 1, "c": 2, "d": 2}
    ids, labels = list("abcdxy"), np.array([0, 0, 1, 1, 2, 2], np.int32)
    assert numbered(ids, labels, former, 3).tolist() == [1, 2, 4]


def test_a_cluster_that_shares_little_is_another_one() -> None:
    former = dict.fromkeys("abcdefgh", 5)
    labels = np.array([0, 0, 1, 1, 2, 2, 3, 3], np.int32)  # each a quarter of it
    assert sorted(numbered(list("abcdefgh"), labels, former).tolist()) == [6, 7, 8, 9]
