"""Labels spread along a graph: by hand, as scikit-learn does, and where nothing arrives."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from indexer.analysis.labels.labelled import NONE
from indexer.analysis.labels.spreading import affinities, solved, spread
from indexer.analysis.neighbours import NeighbourGraph


def line(weights: list[float]) -> sparse.csr_array:
    """Rows 0, 1, 2, … each joined to the next with these weights."""
    n = len(weights) + 1
    above = sparse.dia_array(([[0.0, *weights]], [1]), shape=(n, n))
    return (above + above.T).tocsr().astype(np.float32)


def graph_of(vectors: NDArray[np.float32], k: int) -> NeighbourGraph:
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -2)
    order = np.argsort(-cosines, axis=1)[:, :k].astype(np.int32)
    return NeighbourGraph(order, np.take_along_axis(cosines, order, axis=1))


def test_a_row_takes_the_label_it_is_tied_to_more_closely() -> None:
    codes = np.array([0, NONE, NONE, NONE, 1], np.int32)

    found = spread(line([0.9, 0.9, 0.1, 0.9]), codes, 2, alpha=0.9)

    assert found.codes.tolist() == [0, 0, 0, 1, 1]
    assert found.scores[1] > found.scores[2] > 0.5
    assert np.allclose(found.margins, 2 * found.scores - 1, atol=1e-6)  # of two classes


def test_in_the_middle_nobody_leads() -> None:
    found = spread(line([1, 1]), np.array([0, NONE, 1], np.int32), 2, alpha=0.5)

    assert found.scores[1] == pytest.approx(0.5)
    assert found.margins[1] == pytest.approx(0, abs=1e-6)


def test_where_nothing_arrives_there_is_no_label() -> None:
    apart = sparse.block_diag([line([1]), line([1])]).tocsr()

    found = spread(apart, np.array([0, 1, NONE, NONE], np.int32), 2, alpha=0.9)

    assert found.codes.tolist() == [0, 1, NONE, NONE]
    assert found.scores[2:].tolist() == [0, 0]


def test_the_class_with_more_neighbours_does_not_take_all() -> None:
    """Two groups of equal size; in one everybody is tied to everybody."""
    rng = np.random.default_rng(0)
    vectors = np.concatenate([rng.normal((4, 0, 0), s, (50, 3)) for s in (0.1, 2)])
    vectors[50:] += (0, 4, 0)
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    codes = np.full(100, NONE, np.int32)
    codes[[0, 50]] = 0, 1

    found = spread(affinities(graph_of(unit, 10)), codes, 2, alpha=0.99)

    assert 40 <= (found.codes == 0).sum() <= 60


def test_scores_are_those_of_scikit_learn() -> None:
    from sklearn.semi_supervised import LabelSpreading

    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(60, 5)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    codes = np.where(np.arange(60) < 12, np.arange(60) % 3, NONE).astype(np.int32)
    weights = affinities(graph_of(vectors, 8))
    dense = weights.toarray()

    theirs = LabelSpreading(kernel=lambda a, b: dense, alpha=0.8, max_iter=2000, tol=1e-9)
    theirs.fit(vectors, codes)
    sums = weights.sum(axis=1)
    system = sparse.csr_array(dense / np.sqrt(np.outer(sums, sums)))
    ours = solved(system, (codes[:, None] == np.arange(3)).astype(np.float32), 0.8)

    shares = ours / ours.sum(axis=1, keepdims=True)
    assert np.abs(shares - theirs.label_distributions_).max() < 1e-4


def test_affinities_are_cubes_of_cosines_added_both_ways() -> None:
    graph = NeighbourGraph(
        np.array([[1, 2], [0, -1], [0, 1]], np.int32),
        np.array([[0.5, -0.1], [0.5, -np.inf], [-0.1, 0.2]], np.float32),
    )

    found = affinities(graph).toarray()

    assert np.allclose(found, [[0, 0.25, 0], [0.25, 0, 0.008], [0, 0.008, 0]])
