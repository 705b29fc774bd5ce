"""The neighbour graph as a store's own index finds it."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from indexer.analysis.gathering import Scope, gather
from indexer.analysis.neighbours.stored import from_store, outgrows_memory
from indexer.domain import Kind, Point, PointVectors, Space
from indexer.ports import VectorStore
from indexer.stores.edge import EdgeStore
from tests.unit.test_neighbours import Steps, by_hand, check, unit_rows

SPACE = Space("shape", 32, "imported:shape", "f" * 16, frozenset(Kind))
SCOPE = Scope("things", SPACE, Kind.IMAGE)


@pytest.fixture
def store(new_folder: Path) -> Iterator[VectorStore]:
    """260 pictures and 40 texts, which are not asked for."""
    store = EdgeStore(new_folder / "collections")
    store.create_collection("things", [SPACE])
    vectors = unit_rows(300)
    ids = [str(UUID(int=number)) for number in range(300)]
    for number, id in enumerate(ids):
        kind = "image" if number < 260 else "text"
        payload = {"entry": "asset", "kind": kind, "status": "indexed"}
        store.insert("things", [Point(id, payload)])
    rows = zip(ids, vectors, strict=True)
    store.write_vectors("things", [PointVectors(id, {"shape": vector}) for id, vector in rows])
    yield store
    store.close()


def test_the_store_finds_what_a_matrix_product_does(store: VectorStore) -> None:
    rows = gather(store, SCOPE, Steps())

    graph = from_store(store, SCOPE, rows.ids, 6, Steps())

    assert len(rows.ids) == 260
    check(graph, rows.vectors)
    assert graph.similarities == pytest.approx(by_hand(rows.vectors, 6), abs=1e-4)
    assert graph.recall == 1


def test_one_that_is_deleted_meanwhile_has_no_neighbours_and_is_none(store: VectorStore) -> None:
    rows = gather(store, SCOPE, Steps())
    store.delete("things", [rows.ids[5]])

    graph = from_store(store, SCOPE, rows.ids, 6, Steps())

    assert (graph.indices[5] == -1).all()
    assert 5 not in graph.indices
    others = np.delete(np.arange(260), 5)
    expected = by_hand(rows.vectors[others], 6)
    assert graph.similarities[others] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("n", [0, 1])
def test_nobody_to_be_near(store: VectorStore, n: int) -> None:
    rows = gather(store, SCOPE, Steps())
    store.delete("things", rows.ids[n:])

    graph = from_store(store, SCOPE, rows.ids[:n], 3, Steps())

    assert graph.indices.tolist() == [[-1, -1, -1]] * n
    assert graph.recall == 1


def test_only_what_takes_half_of_the_memory_is_left_to_the_store() -> None:
    assert not outgrows_memory(100_000, 512)
    assert outgrows_memory(10**10, 512)
