"""The store is flushed and calibrated when it changed, and its indexes are built when nobody
waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest

from api import upkeep as module
from api.upkeep import Upkeep
from indexer.domain import FieldType, StoredPoint
from indexer.filters import Equals, Filter, HasVector, walk
from indexer.ports import VectorStore


class CountingStore:
    """Answers with the counts it is given, and notes what is asked of it."""

    def __init__(self) -> None:
        self.counts = {"indexed": 0, "pending": 0}
        self.calls: list[str] = []
        self.steps = 0
        self.expected: list[int] = []
        self.spaces: list[dict[str, object]] = []
        self.lacking = 0
        self.looks = 0

    def count(self, collection: str, filter: Filter) -> int:
        if any(isinstance(c, HasVector) for c in walk(filter)):
            self.looks += 1
            return self.lacking
        values = [v for c in walk(filter) for v in getattr(c, "values", ())]
        assert Equals("entry", "asset") in walk(filter)
        return sum(self.counts.get(str(value), 0) for value in values)

    def get(self, collection: str, ids: Sequence[str]) -> list[StoredPoint]:
        return [StoredPoint(id, {"entry": "collection", "spaces": self.spaces}) for id in ids]

    def index_field(self, collection: str, field: str, type: FieldType) -> None:
        return None

    def facet(self, collection: str, field: str, filter: Filter) -> dict[str, int]:
        return {}

    def expect_vectors(self, collection: str, waiting: int) -> None:
        self.expected.append(waiting)

    def flush(self, collection: str) -> None:
        self.calls.append("flush")

    def optimize(self, collection: str) -> bool:
        self.calls.append("optimize")
        self.steps -= 1
        return self.steps >= 0


def described_space(*, filling: bool) -> dict[str, object]:
    model = {"embedder": "mini", "fingerprint": "f1", "kinds": ["image"]}
    return {"name": "look", "dimension": 4, "filling": filling, **model}


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


def test_missing_vectors_are_looked_for_while_something_moves_alone(store: CountingStore) -> None:
    store.spaces = [described_space(filling=False)]
    upkeep = upkeep_of(store)
    looks = []
    for indexed, lacking in ((10, 0), (10, 0), (12, 2), (12, 1), (12, 0), (12, 0)):
        store.counts["indexed"], store.lacking, store.looks = indexed, lacking, 0
        upkeep.tend("things")
        looks.append(store.looks)
    # Once when the counts changed, and then until nothing lacks any more.
    assert looks == [1, 0, 1, 1, 1, 0]
    assert store.expected == [0, 0, 2, 1, 0, 0]


def test_missing_vectors_are_looked_for_while_a_space_is_filled(store: CountingStore) -> None:
    upkeep = upkeep_of(store)
    store.counts["indexed"] = 10
    upkeep.tend("things")
    store.spaces, store.lacking = [described_space(filling=True)], 10
    upkeep.tend("things")
    assert store.expected == [0, 10]


def test_vectors_that_a_retry_is_to_fill_are_seen_before_long(
    store: CountingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.spaces = [described_space(filling=False)]
    upkeep = upkeep_of(store)
    store.counts["indexed"] = 10
    upkeep.tend("things")
    store.lacking = 4
    upkeep.tend("things")
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    upkeep.tend("things")
    assert store.expected == [0, 0, 4]
