"""The neighbour graph of a matrix: exact, approximate, and of rows that are hardly a matrix."""

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.analysis.neighbours import (
    NeighbourGraph,
    from_table,
    nearest_neighbours,
    to_table,
)
from indexer.analysis.neighbours.arithmetic import Arithmetic
from indexer.analysis.neighbours.comparing import greatest

EXACT = Arithmetic(affordable=np.inf)
APPROXIMATE = Arithmetic(affordable=0)
HALVES = Arithmetic(numbers="bfloat16", affordable=np.inf)


class Steps:
    """Remembers which steps there were."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def step(self, what: str, done: int = 0, total: int | None = None) -> None:
        assert total is None or 0 <= done <= total
        self.names.append(what)


def unit_rows(n: int, dimension: int = 32, seed: int = 0) -> NDArray[np.float32]:
    """Rows around a twentieth as many centres."""
    chance = np.random.default_rng(seed)
    centres = chance.normal(size=(max(1, n // 20), dimension))
    rows = centres[chance.integers(0, len(centres), n)] + chance.normal(size=(n, dimension))
    unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit.astype(np.float32)


def by_hand(vectors: NDArray[np.float32], k: int) -> NDArray[np.float64]:
    """The k greatest cosines of each row to any other."""
    cosines = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    np.fill_diagonal(cosines, -np.inf)
    return -np.sort(-cosines, axis=1)[:, :k]


def check(graph: NeighbourGraph, vectors: NDArray[np.float32]) -> None:
    """What is true of every graph: no row twice or its own neighbour, cosines as told, falling."""
    for row, (others, similarities) in enumerate(
        zip(graph.indices, graph.similarities, strict=True)
    ):
        there = others[others >= 0]
        assert row not in there
        assert len(set(there.tolist())) == len(there)
        assert (others[len(there) :] == -1).all()
        assert np.isneginf(similarities[len(there) :]).all()
        told = similarities[: len(there)]
        assert told == pytest.approx((vectors[there] @ vectors[row]).clip(-1, 1), abs=1e-5)
        assert (np.diff(told) <= 0).all()


def test_four_directions_worked_out_on_paper() -> None:
    degrees = np.radians([0, 10, 90, 200])
    vectors = np.stack([np.cos(degrees), np.sin(degrees)], 1).astype(np.float32)

    graph = nearest_neighbours(vectors, 2, Steps())

    assert graph.indices.tolist() == [[1, 2], [0, 2], [1, 0], [2, 0]]
    expected = np.cos(np.radians([[10, 90], [10, 80], [80, 90], [110, 160]]))
    assert graph.similarities == pytest.approx(expected, abs=1e-6)
    assert graph.recall == 1


def test_exact_in_blocks_is_exact() -> None:
    vectors = unit_rows(3000)

    graph = nearest_neighbours(vectors, 10, Steps(), arithmetic=EXACT)

    check(graph, vectors)
    assert graph.similarities == pytest.approx(by_hand(vectors, 10), abs=1e-5)


def test_candidates_in_half_the_digits_are_ranked_again() -> None:
    vectors = unit_rows(1000)

    graph = nearest_neighbours(vectors, 5, Steps(), arithmetic=HALVES)

    check(graph, vectors)
    right = graph.similarities >= by_hand(vectors, 5)[:, -1:] - 1e-6
    assert right.mean() > 0.99
    assert graph.recall == pytest.approx(right.mean(), abs=0.01)


@pytest.mark.parametrize("numbers", ["float32", "bfloat16"])
def test_approximate_says_how_much_it_found(numbers: str) -> None:
    vectors = unit_rows(1500, 16)
    how = Arithmetic(numbers=numbers, affordable=0)

    graph = nearest_neighbours(vectors, 10, Steps(), arithmetic=how)

    check(graph, vectors)
    found = float((graph.similarities >= by_hand(vectors, 10)[:, -1:] - 1e-6).mean())
    assert found > 0.95
    assert graph.recall == pytest.approx(found, abs=0.015)


def test_approximate_is_the_same_with_the_same_seed() -> None:
    vectors = unit_rows(3000)

    one, other = (
        nearest_neighbours(vectors, 5, Steps(), seed=3, arithmetic=APPROXIMATE) for _ in range(2)
    )

    assert np.array_equal(one.indices, other.indices)
    assert one.recall == other.recall


@pytest.mark.parametrize("how", [EXACT, APPROXIMATE, HALVES], ids=["exact", "cells", "halves"])
@pytest.mark.parametrize("n", [0, 1, 2, 5, 40])
def test_few_rows_have_few_neighbours(n: int, how: Arithmetic) -> None:
    vectors = unit_rows(n)

    graph = nearest_neighbours(vectors, 10, Steps(), arithmetic=how)

    assert graph.indices.shape == graph.similarities.shape == (n, 10)
    check(graph, vectors)
    assert ((graph.indices >= 0).sum(1) == min(10, max(n - 1, 0))).all()


@pytest.mark.parametrize("how", [EXACT, APPROXIMATE, HALVES], ids=["exact", "cells", "halves"])
def test_identical_rows_are_each_others_neighbours(how: Arithmetic) -> None:
    vectors = np.tile(unit_rows(1), (700, 1))

    graph = nearest_neighbours(vectors, 10, Steps(), arithmetic=how)

    check(graph, vectors)
    assert (graph.indices >= 0).all()
    assert graph.similarities == pytest.approx(1)
    assert graph.recall == 1


def test_duplicates_come_first_and_never_the_row_itself() -> None:
    vectors = unit_rows(200)
    vectors[7] = vectors[150]

    graph = nearest_neighbours(vectors, 3, Steps())

    assert graph.indices[7, 0] == 150
    assert graph.indices[150, 0] == 7
    assert graph.similarities[[7, 150], 0] == pytest.approx(1)


@pytest.mark.parametrize("how", [EXACT, APPROXIMATE], ids=["exact", "cells"])
def test_rows_of_zeros_are_like_nothing(how: Arithmetic) -> None:
    vectors = unit_rows(900)
    vectors[::3] = 0

    graph = nearest_neighbours(vectors, 4, Steps(), arithmetic=how)

    check(graph, vectors)
    assert (graph.indices >= 0).all()
    assert (graph.similarities[::3] == 0).all()


def test_vectors_that_may_not_be_written_to_are_read() -> None:
    vectors = unit_rows(50)
    vectors.setflags(write=False)

    check(nearest_neighbours(vectors, 3, Steps()), vectors)


def test_every_block_of_work_is_told_and_may_end_it() -> None:
    class Enough(Exception):
        pass

    class Ending(Steps):
        def step(self, what: str, done: int = 0, total: int | None = None) -> None:
            super().step(what, done, total)
            if what == "Comparing" and done > 3:
                raise Enough

    for how in (EXACT, APPROXIMATE):
        with pytest.raises(Enough):
            nearest_neighbours(unit_rows(5000), 5, Ending(), arithmetic=how)


def test_the_greatest_of_wide_rows_stand_in_the_greatest_groups() -> None:
    import torch

    block = torch.from_numpy(np.random.default_rng(1).normal(size=(20, 1003)).astype(np.float32))

    values, columns = greatest(block, 7)

    assert torch.equal(values, block.topk(7).values)
    assert torch.equal(block.gather(1, columns), values)


@pytest.mark.parametrize("n", [0, 1, 30])
def test_a_graph_is_kept_as_a_table(n: int) -> None:
    graph = nearest_neighbours(unit_rows(n), 4, Steps())
    ids = [f"asset-{number}" for number in range(n)]

    table = to_table(NeighbourGraph(graph.indices, graph.similarities, 0.987), ids)
    found_ids, found = from_table(table)

    assert table.column_names == ["id", "neighbours", "similarities"]
    assert found_ids == ids
    assert np.array_equal(found.indices, graph.indices)
    assert np.array_equal(found.similarities, graph.similarities)
    assert found.recall == 0.987
