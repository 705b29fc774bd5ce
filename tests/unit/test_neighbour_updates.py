"""A neighbour graph brought up to date equals one that is made anew."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.analysis.neighbours import NeighbourGraph, fits, nearest_neighbours, places_of, updated
from indexer.analysis.neighbours.arithmetic import Arithmetic
from tests.unit.test_neighbours import APPROXIMATE, EXACT, Steps, by_hand, check, unit_rows


@given(
    before=st.integers(0, 40),
    gone=st.sets(st.integers(0, 39)),
    added=st.integers(0, 30),
    k=st.integers(1, 12),
    seed=st.integers(0, 1000),
)
@settings(deadline=None, max_examples=60)
def test_equal_to_a_fresh_graph(before: int, gone: set[int], added: int, k: int, seed: int) -> None:
    everything = unit_rows(before + added, 6, seed)
    old = np.arange(before)
    new = (
        np.random.default_rng(seed)
        .permutation([row for row in range(before + added) if row not in gone or row >= before])
        .astype(int)
    )
    places = places_of([str(row) for row in old], [str(row) for row in new])
    graph = nearest_neighbours(everything[old], k, Steps())

    found = updated(graph, places, everything[new], Steps(), arithmetic=EXACT)

    check(found, everything[new])
    fresh = nearest_neighbours(everything[new], k, Steps())
    assert (found.indices >= 0).sum() == (fresh.indices >= 0).sum()
    assert found.similarities == pytest.approx(fresh.similarities, abs=1e-5)
    assert found.recall == 1


def change(n: int, gone: int, added: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows before, rows after, and where the first are in the second."""
    everything = unit_rows(n + added)
    return everything[:n], everything[gone:], np.arange(n) - gone


def test_few_changes_take_few_comparisons() -> None:
    before, after, places = change(2000, 3, 5)
    places[:3] = -1
    graph = nearest_neighbours(before, 10, Steps(), arithmetic=EXACT)
    steps = Steps()

    found = updated(graph, places, after, steps, arithmetic=EXACT)

    assert set(steps.names) == {"Fitting in", "Updating"}
    assert found.similarities == pytest.approx(by_hand(after, 10), abs=1e-5)


def test_many_changes_make_a_new_graph() -> None:
    before, after, places = change(500, 300, 400)
    places[:300] = -1
    graph = nearest_neighbours(before, 10, Steps(), arithmetic=EXACT)
    steps = Steps()

    found = updated(graph, places, after, steps, arithmetic=EXACT)

    assert set(steps.names) == {"Comparing"}
    assert found.similarities == pytest.approx(by_hand(after, 10), abs=1e-5)


def test_an_approximate_graph_looks_around_and_measures_its_recall_again() -> None:
    before, after, places = change(2500, 25, 10)
    places[:60] = -1
    graph = nearest_neighbours(before, 10, Steps(), arithmetic=APPROXIMATE)
    steps = Steps()

    found = updated(graph, places, after, steps, arithmetic=APPROXIMATE)

    assert "Looking around" in steps.names
    check(found, after)
    assert (found.indices >= 0).all()
    truly = float((found.similarities >= by_hand(after, 10)[:, -1:] - 1e-6).mean())
    assert truly > 0.95
    assert found.recall == pytest.approx(truly, abs=0.015)


def test_a_row_that_lost_all_its_neighbours_finds_others() -> None:
    vectors = unit_rows(300)
    vectors[1:6] = vectors[0]  # six of a kind; five of them go
    graph = nearest_neighbours(vectors, 5, Steps())
    approximate = NeighbourGraph(graph.indices, graph.similarities, recall=0.99)
    places = np.arange(300) - 5
    places[0], places[1:6] = 0, -1
    after = vectors[[0, *range(6, 300)]]

    found = updated(approximate, places, after, Steps(), arithmetic=Arithmetic(affordable=0))

    assert found.similarities[0] == pytest.approx(by_hand(after, 5)[0], abs=1e-5)


def test_vectors_that_changed_under_their_ids_make_a_new_graph() -> None:
    vectors = unit_rows(300)
    graph = nearest_neighbours(vectors, 5, Steps())
    changed = vectors.copy()
    changed[7] = -vectors[7]

    assert fits(graph, vectors)
    assert not fits(graph, changed)
    found = updated(graph, np.arange(300), changed, Steps(), arithmetic=EXACT)
    assert found.similarities == pytest.approx(by_hand(changed, 5), abs=1e-5)


def test_nothing_is_left() -> None:
    graph = nearest_neighbours(unit_rows(4), 2, Steps())

    found = updated(graph, np.full(4, -1), unit_rows(0), Steps())

    assert found.indices.shape == (0, 2)
