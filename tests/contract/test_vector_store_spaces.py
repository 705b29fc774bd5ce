"""Spaces come and go while a Collection is in use: what every adapter promises about that."""

from __future__ import annotations

import uuid

import numpy as np
import pytest

from indexer import collections, spaces
from indexer.domain import Kind, NearestQuery, Point, PointVectors, Reason, Space
from indexer.errors import CollectionNotFound, InvalidInput, SpaceMismatch
from indexer.filters import HasVector, Not
from indexer.ledger import gaps_payload
from indexer.ports import VectorStore

A, B, C = (str(uuid.UUID(int=n)) for n in (1, 2, 3))
SHAPE = Space("shape", 2, "other", "f3", frozenset({Kind.IMAGE}))


def row(*numbers: float) -> np.ndarray:
    return np.array(numbers, dtype=np.float32)


@pytest.fixture
def filled(store: VectorStore, collection: str) -> str:
    """A, B and C, of which A and B have a vector in `look`."""
    store.insert(collection, [Point(id, {"entry": "asset"}) for id in (A, B, C)])
    store.write_vectors(
        collection,
        [PointVectors(A, {"look": row(1, 0, 0, 0)}), PointVectors(B, {"look": row(0, 1, 0, 0)})],
    )
    return collection


def nearest(store: VectorStore, collection: str, space: str, *numbers: float) -> list[str]:
    (hits,) = store.nearest(collection, [NearestQuery(space, row(*numbers), limit=10)])
    return [hit.id for hit in hits]


def test_a_new_space_is_empty_and_leaves_the_others_alone(store: VectorStore, filled: str) -> None:
    store.add_space(filled, SHAPE)
    assert store.count(filled, HasVector("shape")) == 0
    assert store.count(filled, Not(HasVector("shape"))) == 3
    assert nearest(store, filled, "shape", 1, 0) == []
    assert nearest(store, filled, "look", 0, 1, 0, 0) == [B, A]


def test_a_new_space_is_filled_point_by_point(store: VectorStore, filled: str) -> None:
    store.add_space(filled, SHAPE)
    rows = [PointVectors(A, {"shape": row(1, 0)}), PointVectors(C, {"shape": row(0, 1)})]
    store.write_vectors(filled, rows)
    assert nearest(store, filled, "shape", 0, 1) == [C, A]
    assert store.count(filled, HasVector("shape")) == 2
    (point,) = store.get(filled, [A], spaces=["look", "shape"])
    assert {space: vector.tolist() for space, vector in point.vectors.items()} == {
        "look": [1, 0, 0, 0],
        "shape": [1, 0],
    }


def test_adding_the_same_space_again_keeps_its_vectors(store: VectorStore, filled: str) -> None:
    store.add_space(filled, SHAPE)
    store.write_vectors(filled, [PointVectors(A, {"shape": row(1, 0)})])
    store.add_space(filled, SHAPE)
    assert store.count(filled, HasVector("shape")) == 1


def test_a_space_of_that_name_with_another_dimension_is_refused(
    store: VectorStore, filled: str
) -> None:
    with pytest.raises(SpaceMismatch, match="dimension 4, not 9"):
        store.add_space(filled, Space("look", 9, "other", "f3", SHAPE.kinds))
    assert nearest(store, filled, "look", 1, 0, 0, 0) == [A, B]


@pytest.mark.parametrize("name", ["bm25", "", "with/slash"])
def test_names_that_cannot_be_are_refused(store: VectorStore, filled: str, name: str) -> None:
    with pytest.raises(InvalidInput):
        store.add_space(filled, Space(name, 2, "other", "f3", SHAPE.kinds))


def test_a_dropped_space_takes_its_vectors_along(store: VectorStore, filled: str) -> None:
    assert store.drop_space(filled, "look")
    with pytest.raises(InvalidInput, match="look"):
        store.count(filled, HasVector("look"))
    with pytest.raises(InvalidInput, match="look"):
        store.get(filled, [A], spaces=["look"])
    assert store.count(filled) == 3
    assert not store.drop_space(filled, "look")


def test_a_space_made_anew_under_an_old_name_begins_empty(store: VectorStore, filled: str) -> None:
    store.drop_space(filled, "look")
    store.add_space(filled, Space("look", 2, "other", "f3", SHAPE.kinds))
    assert store.count(filled, HasVector("look")) == 0
    store.write_vectors(filled, [PointVectors(B, {"look": row(0, 1)})])
    assert nearest(store, filled, "look", 0, 1) == [B]


def test_a_collection_that_is_not_there_is_named(store: VectorStore) -> None:
    with pytest.raises(CollectionNotFound, match="nowhere"):
        store.add_space("nowhere", SHAPE)
    with pytest.raises(CollectionNotFound, match="nowhere"):
        store.drop_space("nowhere", "look")


def test_a_space_is_added_counted_and_dropped_by_the_use_cases(store: VectorStore) -> None:
    name = f"test-{uuid.uuid4().hex[:12]}"
    look = Space("look", 4, "mini", "f1", frozenset({Kind.IMAGE}))
    added = Space("shape.v2", 2, "other", "f3", frozenset({Kind.IMAGE}))
    collections.create(store, name, [look])
    payload = {"entry": "asset", "kind": "image", "status": "indexed"}
    store.insert(name, [Point(id, payload) for id in (A, B, C)])
    spaces.add(store, name, added)
    store.write_vectors(name, [PointVectors(A, {"shape.v2": row(1, 0)})])
    why = Reason("asset_not_found", "It is gone.")
    store.set_payload(name, {B: gaps_payload({"shape.v2": why})})

    told = spaces.filling(store, name, added)
    assert (told.vectors, told.wanted, told.waiting) == (1, 3, 1)
    assert told.reasons == {"asset_not_found": 1}
    waiting, _ = store.scroll(name, spaces.waiting(added))
    assert [point.id for point in waiting] == [C]

    spaces.drop(store, name, "shape.v2")
    assert [one.name for one in collections.get(store, name).spaces] == ["look"]
    (point,) = store.get(name, [B])
    assert "gaps" not in point.payload
    store.drop_collection(name)
