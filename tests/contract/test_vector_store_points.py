"""What any VectorStore does with collections and points."""

from __future__ import annotations

import random
import uuid

import numpy as np
import pytest

from indexer.domain import FieldType, Kind, Point, PointVectors, Space, SparseVector
from indexer.errors import CollectionExists, CollectionNotFound, InvalidInput, SpaceMismatch
from indexer.filters import Equals, HasId, HasVector
from indexer.ports import VectorStore

A, B, C, D = (str(uuid.UUID(int=n)) for n in (1, 2, 3, 4))
MISSING = str(uuid.UUID(int=999))


def vector(*numbers: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.array(numbers, dtype=np.float32)


def payload_of(store: VectorStore, collection: str, id: str) -> dict[str, object]:
    (point,) = store.get(collection, [id])
    return dict(point.payload)


def test_a_collection_is_listed_until_it_is_dropped(store: VectorStore, collection: str) -> None:
    assert collection in store.collections()
    store.drop_collection(collection)
    assert collection not in store.collections()
    with pytest.raises(CollectionNotFound, match=collection):
        store.count(collection)


def test_a_collection_is_made_once(store: VectorStore, collection: str) -> None:
    with pytest.raises(CollectionExists, match=collection):
        store.create_collection(collection, ())


def test_a_dropped_collection_can_be_made_anew_with_another_dimension(
    store: VectorStore, collection: str
) -> None:
    store.insert(collection, [Point(A, {})])
    store.drop_collection(collection)
    store.create_collection(collection, [Space("look", 2, "m", "f", frozenset({Kind.IMAGE}))])
    assert store.count(collection) == 0
    store.insert(collection, [Point(A, {})])
    store.write_vectors(collection, [PointVectors(A, {"look": vector(0, 1)})])
    assert store.count(collection, HasVector("look")) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.drop_collection("nowhere"),
        lambda s: s.count("nowhere"),
        lambda s: s.insert("nowhere", [Point(A, {})]),
        lambda s: s.write_vectors("nowhere", [PointVectors(A, {"look": vector(1, 0, 0, 0)})]),
        lambda s: s.set_payload("nowhere", {A: {"x": 1}}),
        lambda s: s.delete("nowhere", [A]),
        lambda s: s.get("nowhere", [A]),
        lambda s: s.scroll("nowhere"),
        lambda s: s.facet("nowhere", "status"),
        lambda s: s.index_field("nowhere", "status", FieldType.KEYWORD),
        lambda s: s.flush("nowhere"),
        lambda s: s.optimize("nowhere"),
        lambda s: s.expect_vectors("nowhere", 0),
        lambda s: s.nearest("nowhere", []),
    ],
)
def test_a_collection_that_is_not_there_is_named(store: VectorStore, call) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(CollectionNotFound, match="nowhere"):
        call(store)


def test_a_collection_without_spaces_keeps_points(store: VectorStore, collection: str) -> None:
    name = f"{collection}-bare"
    store.create_collection(name, ())
    store.insert(name, [Point(A, {"status": "pending"})])
    assert store.count(name, Equals("status", "pending")) == 1
    store.drop_collection(name)


def test_payload_comes_back_as_it_was_given(store: VectorStore, collection: str) -> None:
    payload = {
        "text": "naïve café 日本",
        "yes": True,
        "whole": 2**53 + 1,
        "part": 0.5,
        "nothing": None,
        "list": [1, "two", [3.5], {"a": None}],
        "key with.dots[0]": {"deep": {"deeper": -1}},
    }
    store.insert(collection, [Point(A, payload)])
    assert payload_of(store, collection, A) == payload


def test_insert_leaves_a_point_that_is_there_as_it_is(store: VectorStore, collection: str) -> None:
    store.insert(collection, [Point(A, {"status": "indexed"})])
    store.write_vectors(collection, [PointVectors(A, {"look": vector(0, 0, 3, 4)})])
    store.insert(collection, [Point(A, {"status": "pending"}), Point(B, {"n": 1})])
    a, b = store.get(collection, [A, B], ["look"])
    assert a.payload == {"status": "indexed"}
    np.testing.assert_allclose(a.vectors["look"], [0, 0, 0.6, 0.8], atol=1e-6)
    assert b.payload == {"n": 1}
    assert b.vectors == {}


def test_the_first_of_two_equal_ids_in_one_insert_counts(
    store: VectorStore, collection: str
) -> None:
    store.insert(collection, [Point(A, {"n": 1}), Point(A, {"n": 2})])
    assert payload_of(store, collection, A) == {"n": 1}


def test_write_vectors_keeps_payload_and_the_other_spaces(
    store: VectorStore, collection: str
) -> None:
    store.insert(collection, [Point(A, {"n": 1})])
    store.write_vectors(collection, [PointVectors(A, {"look": vector(1, 0, 0, 0)})])
    store.write_vectors(
        collection, [PointVectors(A, {"words": vector(0, 2, 0)}, SparseVector([7], [1.0]))]
    )
    store.write_vectors(collection, [PointVectors(A, {"look": vector(0, 1, 0, 0)})])
    (a,) = store.get(collection, [A], ["look", "words"])
    assert a.payload == {"n": 1}
    assert a.vectors["look"].tolist() == [0, 1, 0, 0]
    assert a.vectors["words"].tolist() == [0, 1, 0]
    assert a.vectors["look"].dtype == np.float32
    assert store.count(collection, HasVector("bm25")) == 1


def test_write_vectors_passes_over_missing_ids(store: VectorStore, collection: str) -> None:
    store.insert(collection, [Point(B, {})])
    rows = [PointVectors(id, {"look": vector(1, 0, 0, 0)}) for id in (MISSING, B, A)]
    store.write_vectors(collection, rows)
    store.write_vectors(collection, [PointVectors(MISSING, {"look": vector(1, 0, 0, 0)})])
    assert store.count(collection, HasVector("look")) == 1
    assert store.count(collection) == 1


def test_a_vector_of_another_dimension_is_a_mismatch_and_nothing_is_written(
    store: VectorStore, collection: str
) -> None:
    store.insert(collection, [Point(A, {}), Point(B, {})])
    rows = [
        PointVectors(A, {"look": vector(1, 0, 0, 0)}),
        PointVectors(B, {"look": vector(1, 0, 0)}),
    ]
    with pytest.raises(SpaceMismatch, match=B):
        store.write_vectors(collection, rows)
    assert store.count(collection, HasVector("look")) == 0


def test_a_vector_of_an_unknown_space_is_refused(store: VectorStore, collection: str) -> None:
    with pytest.raises(InvalidInput, match="look, words"):
        store.write_vectors(collection, [PointVectors(A, {"smell": vector(1)})])
    with pytest.raises(InvalidInput, match="smell"):
        store.get(collection, [A], ["smell"])


def test_set_payload_merges_keys_of_each_point(store: VectorStore, collection: str) -> None:
    store.insert(collection, [Point(A, {"n": 1, "m": {"x": 1}}), Point(B, {"n": 2})])
    store.write_vectors(collection, [PointVectors(A, {"look": vector(1, 0, 0, 0)})])
    store.set_payload(
        collection, {A: {"m": {"y": None}, "s": "a"}, MISSING: {"s": "?"}, B: {"s": "b"}, C: {}}
    )
    assert payload_of(store, collection, A) == {"n": 1, "m": {"y": None}, "s": "a"}
    assert payload_of(store, collection, B) == {"n": 2, "s": "b"}
    assert store.count(collection) == 2
    assert store.count(collection, HasVector("look")) == 1


def test_none_removes_a_key(store: VectorStore, collection: str) -> None:
    store.insert(collection, [Point(A, {"reason": "broken", "a.b [c]": 1, "n": 1})])
    store.set_payload(collection, {A: {"reason": None, "a.b [c]": None, "never": None}})
    assert payload_of(store, collection, A) == {"n": 1}


def test_delete_removes_points_and_passes_over_missing_ids(
    store: VectorStore, collection: str
) -> None:
    store.insert(collection, [Point(A, {}), Point(B, {}), Point(C, {})])
    store.delete(collection, [A, MISSING, C])
    assert [point.id for point in store.scroll(collection)[0]] == [B]
    store.insert(collection, [Point(A, {"back": True})])
    assert payload_of(store, collection, A) == {"back": True}


def test_get_keeps_the_order_asked_for(store: VectorStore, collection: str) -> None:
    store.insert(collection, [Point(id, {}) for id in (A, B, C)])
    got = store.get(collection, [C, MISSING, A, C])
    assert [point.id for point in got] == [C, A, C]


@pytest.mark.parametrize("limit", [1, 7, 50, 299, 300, 301])
def test_scroll_gives_each_point_once_in_id_order(
    store: VectorStore, collection: str, limit: int
) -> None:
    random_ids = random.Random(7)
    ids = [str(uuid.UUID(int=random_ids.getrandbits(128), version=5)) for _ in range(298)]
    ids += [str(uuid.UUID(int=0)), str(uuid.UUID(int=2**128 - 1))]
    store.insert(collection, [Point(id, {"n": n}) for n, id in enumerate(ids)])
    seen: list[str] = []
    after = None
    while True:
        page, after = store.scroll(collection, limit=limit, after=after)
        assert 1 <= len(page) <= limit
        seen += [point.id for point in page]
        if after is None:
            break
        assert after == seen[-1]
    assert seen == sorted(ids)
    assert store.scroll(collection, after=seen[-1]) == ([], None)


def test_scroll_goes_on_after_a_point_that_was_deleted_meanwhile(
    store: VectorStore, collection: str
) -> None:
    store.insert(collection, [Point(id, {}) for id in (A, B, C, D)])
    page, after = store.scroll(collection, limit=2)
    store.delete(collection, [point.id for point in page])
    assert [point.id for point in store.scroll(collection, limit=2, after=after)[0]] == [C, D]


def test_scroll_takes_filter_fields_and_spaces(store: VectorStore, collection: str) -> None:
    store.insert(collection, [Point(A, {"n": 1, "my key": [2], "x.y": 3}), Point(B, {"n": 2})])
    store.write_vectors(collection, [PointVectors(A, {"words": vector(0, 0, 5)})])
    (a,), after = store.scroll(
        collection, HasId(frozenset({A})), spaces=["words"], fields=["my key", "x.y", "other"]
    )
    assert a.payload == {"my key": [2], "x.y": 3}
    assert a.vectors["words"].tolist() == [0, 0, 1]
    assert after is None


def test_flush_and_close_can_be_repeated(store: VectorStore, collection: str) -> None:
    store.insert(collection, [Point(A, {})])
    store.flush(collection)
    store.flush(collection)
    assert store.optimize(collection) in (True, False)
    assert store.count(collection) == 1


def test_a_bulk_load_may_be_announced_and_ended(store: VectorStore, collection: str) -> None:
    store.insert(collection, [Point(A, {})])
    for waiting in (10**6, 10**6, 100_000, 0, 0):
        store.expect_vectors(collection, waiting)
        store.write_vectors(collection, [PointVectors(A, {"look": vector(1, 0, 0, 0)})])
        assert store.count(collection, HasVector("look")) == 1
