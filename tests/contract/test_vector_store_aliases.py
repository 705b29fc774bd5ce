"""Further names of Collections: set, moved in one step, dropped; the same in every store."""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer import collections
from indexer.domain import Kind, NearestQuery, Point, PointVectors, Space
from indexer.errors import (
    CollectionExists,
    CollectionNotFound,
    Conflict,
    InvalidInput,
    StoreUnavailable,
)
from indexer.filters import Equals
from indexer.ports import VectorStore
from indexer.stores.edge import EdgeStore
from indexer.stores.qdrant import connect
from tests.contract.conftest import SHARED
from tests.contract.test_vector_store_points import vector
from tests.qdrant_stand_in import StandIn

A, B = (str(uuid.UUID(int=n)) for n in (1, 2))
WIDE = Space("look", 2, "other", "f9", frozenset({Kind.IMAGE}))


@pytest.fixture
def other(store: VectorStore, collection: str) -> Iterator[str]:
    """A second Collection, whose Space `look` has another dimension (2)."""
    name = f"{collection}-other"
    store.create_collection(name, [WIDE])
    yield name
    if name in store.collections():
        store.drop_collection(name)


@pytest.fixture
def alias(collection: str) -> str:
    """A name that nothing has yet; it goes with what it leads to."""
    return f"{collection}-alias"


def test_every_call_takes_an_alias(store: VectorStore, collection: str, alias: str) -> None:
    store.set_alias(alias, collection)
    store.insert(alias, [Point(A, {"n": 1}), Point(B, {"n": 2})])
    store.write_vectors(alias, [PointVectors(A, {"look": vector(1, 0, 0, 0)})])
    store.set_payload(alias, {A: {"seen": True}}, only=Equals("n", 1))
    store.add_space(alias, Space("more", 2, "other", "f3", frozenset({Kind.IMAGE})))
    store.write_vectors(alias, [PointVectors(B, {"more": vector(0, 1)})])
    store.flush(alias)
    store.optimize(alias)
    store.expect_vectors(alias, 2)
    for name in (alias, collection):
        assert store.count(name, Equals("seen", True)) == 1
        assert store.facet(name, "n") == {"1": 1, "2": 1}
        assert [point.id for point in store.scroll(name)[0]] == [A, B]
        query = NearestQuery("look", vector(1, 0, 0, 0), limit=5)
        assert [hit.id for hit in store.nearest(name, [query])[0]] == [A]
        (point,) = store.get(name, [B], spaces=["more"])
        assert point.vectors["more"].tolist() == [0.0, 1.0]
    store.delete(alias, [B])
    assert store.drop_space(alias, "more")
    assert not store.drop_space(collection, "more")
    assert store.count(collection) == 1


def test_an_alias_leads_elsewhere_from_the_next_call_on(
    store: VectorStore, collection: str, other: str, alias: str
) -> None:
    store.insert(collection, [Point(A, {"n": 1})])
    store.insert(other, [Point(B, {"n": 2})])
    store.set_alias(alias, collection)
    assert [point.id for point in store.scroll(alias)[0]] == [A]
    store.write_vectors(alias, [PointVectors(A, {"look": vector(1, 0, 0, 0)})])

    store.set_alias(alias, other)
    assert store.aliases()[alias] == other
    assert [point.id for point in store.scroll(alias)[0]] == [B]
    # nothing is remembered of the Collection before: here a vector has two numbers
    store.write_vectors(alias, [PointVectors(B, {"look": vector(0, 1)})])
    query = NearestQuery("look", vector(0, 1), limit=5)
    assert [hit.id for hit in store.nearest(alias, [query])[0]] == [B]

    store.set_alias(alias, collection)
    assert [point.id for point in store.scroll(alias)[0]] == [A]


def test_aliases_are_told_apart_from_collections(
    store: VectorStore, collection: str, other: str, alias: str
) -> None:
    store.set_alias(alias, collection)
    store.set_alias(f"{alias}-2", collection)
    store.set_alias(f"{alias}-3", other)
    mine = {name: of for name, of in store.aliases().items() if name.startswith(alias)}
    assert mine == {alias: collection, f"{alias}-2": collection, f"{alias}-3": other}
    assert list(store.aliases()) == sorted(store.aliases())
    assert alias not in store.collections()
    assert store.drop_alias(alias)
    assert not store.drop_alias(alias)
    assert alias not in store.aliases()
    assert store.count(collection) == 0, "the Collection is still there"
    with pytest.raises(CollectionNotFound, match=alias):
        store.count(alias)


def test_no_name_is_given_twice(
    store: VectorStore, collection: str, other: str, alias: str
) -> None:
    with pytest.raises(CollectionExists, match=f"'{other}' is a Collection itself"):
        store.set_alias(other, collection)
    with pytest.raises(CollectionExists, match="is a Collection itself"):
        store.set_alias(collection, collection)
    store.set_alias(alias, collection)
    with pytest.raises(CollectionExists, match=f"alias of the Collection '{collection}'"):
        store.create_collection(alias, [WIDE])
    with pytest.raises(InvalidInput, match=f"'{alias}' is an alias itself"):
        store.set_alias(f"{alias}-2", alias)
    with pytest.raises(CollectionNotFound, match="'nowhere'"):
        store.set_alias(alias, "nowhere")
    for bad in ("", ".hidden", "a/b", "a" * 65):
        with pytest.raises(InvalidInput, match="is no collection name"):
            store.set_alias(bad, collection)
    assert store.aliases()[alias] == collection
    assert set(store.aliases()) & {other, collection, f"{alias}-2"} == set()


def test_a_collection_goes_with_its_aliases_and_by_its_own_name_alone(
    store: VectorStore, collection: str, other: str, alias: str
) -> None:
    store.set_alias(alias, other)
    store.set_alias(f"{alias}-2", collection)
    with pytest.raises(Conflict, match=f"alias of the Collection '{other}'"):
        store.drop_collection(alias)
    assert other in store.collections()
    store.drop_collection(other)
    assert alias not in store.aliases()
    assert store.aliases()[f"{alias}-2"] == collection
    store.create_collection(other, [WIDE])
    assert alias not in store.aliases(), "a new one of that name does not bring it back"
    store.create_collection(alias, [WIDE])  # the name is free again
    store.drop_collection(alias)


def test_a_snapshot_is_not_restored_under_the_name_of_an_alias(
    store: VectorStore, collection: str, alias: str, tmp_path: Path
) -> None:
    store.set_alias(alias, collection)
    with pytest.raises(CollectionExists, match=f"alias of the Collection '{collection}'"):
        store.load_snapshot(alias, _file(tmp_path), "0" * 64)


def _file(folder: Path) -> Path:
    file = folder / "some.snapshot"
    file.write_bytes(b"none")
    return file


@pytest.mark.parametrize("store", SHARED, indirect=True)
def test_a_snapshot_by_an_alias_is_one_of_the_collection(
    store: VectorStore, collection: str, alias: str, tmp_path: Path
) -> None:
    store.insert(collection, [Point(A, {"n": 1})])
    store.set_alias(alias, collection)
    file = tmp_path / "photos.snapshot"
    store.save_snapshot(alias, file)
    store.drop_collection(collection)
    store.load_snapshot(collection, file, hashlib.sha256(file.read_bytes()).hexdigest())
    assert [point.payload for point in store.get(collection, [A])] == [{"n": 1}]
    assert alias not in store.aliases(), "a snapshot holds no aliases"


@pytest.mark.parametrize("store", SHARED, indirect=True)
def test_there_is_no_moment_without_the_alias(
    store: VectorStore, collection: str, other: str, alias: str
) -> None:
    store.insert(collection, [Point(A, {})])
    store.insert(other, [Point(A, {}), Point(B, {})])
    store.set_alias(alias, collection)
    seen: set[int] = set()
    wrong: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                seen.add(len(store.get(alias, [A, B])))
        except BaseException as error:
            wrong.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(20):
        store.set_alias(alias, other)
        store.set_alias(alias, collection)
    done.set()
    reader.join()
    assert not wrong
    assert seen <= {1, 2}


def test_what_a_collection_is_asked_by_name_it_tells(store: VectorStore, collection: str) -> None:
    store.drop_collection(collection)
    collections.create(store, collection, [WIDE])
    alias = f"{collection}-alias"
    store.set_alias(alias, collection)
    name = collections.resolved(store, alias)
    assert name == collection == collections.resolved(store, collection)
    assert collections.get(store, name).name == collection
    assert collections.resolved(store, "nowhere") == "nowhere"
    with pytest.raises(CollectionNotFound, match=rf"'nowhere'.* Aliases: .*{alias}"):
        collections.get(store, "nowhere")


def test_a_move_is_one_request(stand_in: StandIn) -> None:
    store = connect(stand_in.url, grpc=False)
    store.create_collection("swap-1", [WIDE])
    store.create_collection("swap-2", [WIDE])
    try:
        store.set_alias("swap", "swap-1")
        before = len(stand_in.requests)
        store.set_alias("swap", "swap-2")
        made = [path for method, path in stand_in.requests[before:] if method != "GET"]
        assert made == ["/collections/aliases"]
    finally:
        store.drop_collection("swap-1")
        store.drop_collection("swap-2")
        store.close()


def test_an_alias_moved_by_another_process_is_followed_at_once(stand_in: StandIn) -> None:
    mine, other = (connect(stand_in.url, grpc=False) for _ in range(2))
    mine.create_collection("two-1", [WIDE])
    mine.create_collection("two-2", [Space("look", 3, "mini", "f1", WIDE.kinds)])
    try:
        mine.set_alias("two", "two-1")
        mine.insert("two", [Point(A, {})])
        mine.write_vectors("two", [PointVectors(A, {"look": vector(1, 0)})])
        other.set_alias("two", "two-2")
        mine.insert("two", [Point(B, {})])
        mine.write_vectors("two", [PointVectors(B, {"look": vector(1, 0, 0)})])
        assert mine.count("two-2") == 1
    finally:
        mine.drop_collection("two-1")
        mine.drop_collection("two-2")
        mine.close()
        other.close()


def test_aliases_outlive_the_process(fast_folder: Path) -> None:
    folder = fast_folder / "kept"
    store = EdgeStore(folder)
    store.create_collection("photos-2025", [WIDE])
    store.set_alias("photos", "photos-2025")
    store.close()
    store = EdgeStore(folder)
    assert store.aliases() == {"photos": "photos-2025"}
    assert store.count("photos") == 0
    store.close()


def test_aliases_that_a_kill_left_behind_lead_nowhere_for_good(fast_folder: Path) -> None:
    folder = fast_folder / "killed"
    store = EdgeStore(folder)
    store.create_collection("a", [WIDE])
    store.create_collection("b", [WIDE])
    store.set_alias("to-a", "a")
    store.set_alias("to-b", "b")
    store.close()
    # as a kill leaves it that comes after a Collection was removed and before its alias was
    (folder / "a").rename(folder / ".trash-1")
    (folder / ".aliases.new").write_text("{")
    store = EdgeStore(folder)
    assert store.aliases() == {"to-b": "b"}
    store.create_collection("a", [WIDE])
    store.close()
    store = EdgeStore(folder)
    assert store.aliases() == {"to-b": "b"}
    store.close()


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"a": 1})])
def test_a_file_of_aliases_that_cannot_be_read_is_named(fast_folder: Path, content: str) -> None:
    folder = fast_folder / uuid.uuid4().hex
    folder.mkdir()
    (folder / ".aliases.json").write_text(content)
    with pytest.raises(StoreUnavailable, match=r"\.aliases\.json does not hold readable aliases"):
        EdgeStore(folder)
    (folder / ".aliases.json").unlink()
    EdgeStore(folder).close()  # the folder was let go
