"""The store is flushed and calibrated when it changed, and its indexes are built when nobody
waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest

from api import upkeep as module
from api.upkeep import Upkeep
from indexer.domain import StoredPoint
from indexer.filters import Equals, Filter, walk
from indexer.ports import VectorStore


class CountingStore:
    """Answers with the counts it is given, and notes what is asked of it."""

    def __init__(self) -> None:
        self.counts = {"indexed": 0, "pending": 0}
        self.calls: list[str] = []
        self.steps = 0
        self.expected: list[int] = []

    def count(self, collection: str, filter: Filter) -> int:
        values = [v for c in walk(filter) for v in getattr(c, "values", ())]
        assert Equals("entry", "asset") in walk(filter)
        return sum(self.counts.get(str(value), 0) for value in values)

    def get(self, collection: str, ids: Sequence[str]) -> list[StoredPoint]:
        return [StoredPoint(id, {"entry": "collection", "spaces": []}) for id in ids]

    def expect_vectors(self, collection: str, waiting: int) -> None:
        self.expected.append(waiting)

    def flush(self, collection: str) -> None:
        self.calls.append("flush")

    def optimize(self, collection: str) -> bool:
        self.calls.append("optimize")
        self.steps -= 1
        return self.steps >= 0


@pytest.fixture
def store() -> CountingStore:
    return CountingStore()


def upkeep_of(store: CountingStore, *, reading: bool = False, quiet: float = 99.0) -> Upkeep:
    def calibrate(name: str) -> None:
        store.calls.append("calibrate")

    return Upkeep(cast("VectorStore", store), calibrate, lambda: reading, lambda: quiet)


def test_nothing_is_done_for_a_collection_that_rests(store: CountingStore) -> None:
    upkeep_of(store).tend("things")
    assert store.calls == []


def test_while_indexing_no_indexes_are_built(store: CountingStore) -> None:
    upkeep = upkeep_of(store)
    for indexed in (10, 20):
        store.counts = {"indexed": indexed, "pending": 5}
        upkeep.tend("things")
    assert store.calls == ["flush", "calibrate", "flush", "calibrate"]


def test_indexes_are_built_once_when_all_is_done(store: CountingStore) -> None:
    upkeep = upkeep_of(store)
    store.counts = {"indexed": 20, "pending": 0}
    store.steps = 2
    upkeep.tend("things")
    upkeep.tend("things")
    assert store.calls == ["flush", "optimize", "optimize", "optimize", "calibrate"]


def test_indexes_are_not_built_while_people_search(store: CountingStore) -> None:
    upkeep = upkeep_of(store, quiet=0.1)
    store.counts["indexed"] = 20
    upkeep.tend("things")
    assert store.calls == ["flush", "calibrate"]


def test_but_not_put_off_for_ever(store: CountingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_WAIT_SECONDS", 0.0)
    upkeep = upkeep_of(store, quiet=0.1)
    store.counts["indexed"] = 20
    upkeep.tend("things")
    assert store.calls == ["flush", "optimize", "calibrate"]


def test_at_a_milestone_they_are_built_in_the_midst_of_indexing(store: CountingStore) -> None:
    upkeep = upkeep_of(store, reading=True)
    store.counts = {"indexed": 50_000, "pending": 9}
    upkeep.tend("things")
    assert store.calls == ["flush", "optimize", "calibrate"]


def test_an_engine_that_never_ends_is_left(store: CountingStore) -> None:
    store.counts["indexed"] = 1
    store.steps = 10**9
    upkeep_of(store).tend("things")
    assert store.calls.count("optimize") < 100


def test_the_store_is_told_at_each_turn_what_is_to_come(store: CountingStore) -> None:
    tended = upkeep_of(store)
    for pending in (500_000, 500_000, 0):
        store.counts["pending"] = pending
        tended.tend("things")
    assert store.expected == [500_000, 500_000, 0]
