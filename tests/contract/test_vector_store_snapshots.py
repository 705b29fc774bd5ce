"""Backups: a Collection goes to a folder and comes back whole, or not at all."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexer import backup
from indexer.domain import Kind, NearestQuery, Point, PointVectors, Space, SparseVector
from indexer.errors import (
    CollectionExists,
    CollectionNotFound,
    InvalidInput,
    StoreUnavailable,
    Unavailable,
)
from indexer.filters import Equals
from indexer.ports import VectorStore
from tests.contract.conftest import SHARED, SPACES

pytestmark = pytest.mark.parametrize("store", SHARED, indirect=True)
"""Not the client's engine in memory, which has no snapshots."""

IDS = [str(uuid.UUID(int=n)) for n in range(1, 41)]
LOOK = NearestQuery("look", np.array([1, 0, 0, 0], dtype=np.float32), limit=3)


@pytest.fixture
def filled(store: VectorStore, collection: str) -> str:
    """40 points, of which the third has vectors in a Space that came later as well."""
    store.insert(collection, [Point(id, {"n": n, "status": "indexed"}) for n, id in enumerate(IDS)])
    angles = np.linspace(0, 1, len(IDS), dtype=np.float32)
    rows = [
        PointVectors(id, {"look": np.array([np.cos(a), np.sin(a), 0, 0], np.float32)})
        for id, a in zip(IDS, angles, strict=True)
    ]
    store.write_vectors(collection, rows)
    store.add_space(collection, Space("later", 2, "m", "f", frozenset({Kind.IMAGE})))
    later = {"later": np.array([0, 1], np.float32)}
    store.write_vectors(collection, [PointVectors(IDS[2], later, SparseVector([3], [1.0]))])
    return collection


def everything(store: VectorStore, collection: str) -> list[object]:
    points, _ = store.scroll(collection, limit=100, spaces=["look", "later"])
    return [
        (point.id, dict(point.payload), {k: v.tolist() for k, v in point.vectors.items()})
        for point in points
    ]


def test_a_collection_comes_back_as_it_was(store: VectorStore, filled: str, tmp_path: Path) -> None:
    before, found = everything(store, filled), store.nearest(filled, [LOOK])
    made = backup.save(store, filled, tmp_path)
    assert (made.collection, made.points, made.format) == (filled, 40, store.snapshot_format)
    assert backup.listed(tmp_path) == [made]
    assert len(list(tmp_path.iterdir())) == 2
    with pytest.raises(CollectionExists, match=filled):
        backup.load(store, filled, tmp_path)

    store.drop_collection(filled)
    assert backup.load(store, filled, tmp_path) == made
    assert everything(store, filled) == before
    assert store.nearest(filled, [LOOK]) == found
    assert store.facet(filled, "status") == {"indexed": 40}
    store.set_payload(filled, {IDS[0]: {"status": "failed"}})
    assert store.count(filled, Equals("status", "failed")) == 1, "it can be written to"


def test_a_backup_is_of_the_moment_it_was_taken(
    store: VectorStore, filled: str, tmp_path: Path
) -> None:
    backup.save(store, filled, tmp_path)
    store.delete(filled, IDS[:39])
    store.drop_collection(filled)
    backup.load(store, filled, tmp_path)
    assert store.count(filled) == 40


def test_a_later_backup_takes_the_place_of_the_earlier(
    store: VectorStore, filled: str, tmp_path: Path
) -> None:
    other = f"{filled}-2026"
    store.create_collection(other, SPACES)
    backup.save(store, other, tmp_path)
    first = backup.save(store, filled, tmp_path)
    store.delete(filled, IDS[:10])
    second = backup.save(store, filled, tmp_path)
    assert (first.points, second.points) == (40, 30)
    assert not (tmp_path / first.file).exists()
    assert {made.collection for made in backup.listed(tmp_path)} == {filled, other}
    store.drop_collection(other)
    backup.load(store, other, tmp_path)
    store.drop_collection(other)


def test_what_is_damaged_is_not_taken_for_a_backup(
    store: VectorStore, filled: str, tmp_path: Path
) -> None:
    made = backup.save(store, filled, tmp_path)
    store.drop_collection(filled)
    file = tmp_path / made.file
    whole = file.read_bytes()
    for damaged in (whole[:-1], b"", whole[:100] + b"?" + whole[101:]):
        file.write_bytes(damaged)
        with pytest.raises(InvalidInput, match="not what was written"):
            backup.load(store, filled, tmp_path)
    file.unlink()
    with pytest.raises(InvalidInput, match="missing"):
        backup.load(store, filled, tmp_path)
    (tmp_path / f"{filled}.backup.json").write_text("{}")
    with pytest.raises(InvalidInput, match="describes no backup"):
        backup.load(store, filled, tmp_path)
    assert filled not in store.collections()


def test_a_file_that_is_no_snapshot_makes_no_collection(
    store: VectorStore, filled: str, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_bytes(b"a letter to a friend")
    store.drop_collection(filled)
    with pytest.raises((InvalidInput, StoreUnavailable)):
        store.load_snapshot(filled, wrong, backup._sha256(wrong))
    assert filled not in store.collections()


def test_what_is_not_there_is_named(store: VectorStore, filled: str, tmp_path: Path) -> None:
    with pytest.raises(CollectionNotFound, match="nowhere"):
        backup.save(store, "nowhere", tmp_path)
    with pytest.raises(InvalidInput, match="holds no backup"):
        backup.listed(tmp_path)
    with pytest.raises(InvalidInput, match="holds no backup of 'photos'"):
        backup.load(store, "photos", tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="cannot be used for backups"):
        backup.save(store, filled, tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_backup_of_another_engine_is_refused(
    store: VectorStore, filled: str, tmp_path: Path
) -> None:
    made = replace(backup.save(store, filled, tmp_path), format="another")
    backup._describe(tmp_path, made)
    with pytest.raises(InvalidInput, match="made by 'another'"):
        backup.load(store, filled, tmp_path)
