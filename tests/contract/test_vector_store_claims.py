"""Writes that are made only where a condition still holds: how several processes share work."""

from __future__ import annotations

import threading
import uuid

import pytest

from indexer.domain import FieldType, Point, PointVectors
from indexer.errors import CollectionNotFound, InvalidInput, InvalidQuery
from indexer.filters import (
    All,
    Any,
    AnyOf,
    Equals,
    Exists,
    Filter,
    HasId,
    HasVector,
    Not,
    Range,
)
from indexer.ports import VectorStore
from tests.contract.conftest import SHARED
from tests.contract.test_vector_store_points import payload_of, vector

A, B, C, D = (str(uuid.UUID(int=n)) for n in (1, 2, 3, 4))
MISSING = str(uuid.UUID(int=999))

NOON = "2026-03-01T12:00:00.000Z"
FREE = Not(Range("lease.until", gt=NOON))
"""Nobody's, or of somebody whose time was over at noon."""


def lease(owner: str, until: str) -> dict[str, object]:
    return {"lease": {"owner": owner, "until": until, "queue": "q1"}}


def test_only_points_that_fulfil_the_condition_are_changed(
    store: VectorStore, collection: str
) -> None:
    store.insert(collection, [Point(A, {"n": 1}), Point(B, {"n": 2}), Point(C, {"n": 1})])
    store.write_vectors(collection, [PointVectors(A, {"look": vector(1, 0, 0, 0)})])
    change = {"s": "changed"}
    payloads = {A: change, B: change, MISSING: change}
    store.set_payload(collection, payloads, only=Equals("n", 1))
    assert payload_of(store, collection, A) == {"n": 1, "s": "changed"}
    assert payload_of(store, collection, B) == {"n": 2}, "it does not fulfil the condition"
    assert payload_of(store, collection, C) == {"n": 1}, "it was not named"
    assert store.count(collection) == 3
    assert store.count(collection, HasVector("look")) == 1


def test_a_claim_is_granted_once_until_it_is_over(store: VectorStore, collection: str) -> None:
    pending = {"status": "pending"}
    store.insert(
        collection,
        [
            Point(A, pending),
            Point(B, pending | lease("late", "2026-03-01T11:59:59.999Z")),
            Point(C, pending | lease("busy", "2026-03-01T12:00:00.001Z")),
            Point(D, {"status": "indexed"}),
        ],
    )
    claimable = All((Equals("status", "pending"), FREE))
    for worker in ("one", "two"):
        claim = lease(worker, "2026-03-01T12:01:00.000Z")
        store.set_payload(collection, dict.fromkeys([A, B, C, D], claim), only=claimable)
    owners = [payload_of(store, collection, id).get("lease") for id in (A, B, C, D)]
    taken = lease("one", "2026-03-01T12:01:00.000Z")["lease"]
    assert owners == [taken, taken, lease("busy", "2026-03-01T12:00:00.001Z")["lease"], None]
    mine, _ = store.scroll(collection, Equals("lease.owner", "one"))
    assert [point.id for point in mine] == [A, B]


def test_a_claim_is_given_back_by_its_owner_alone(store: VectorStore, collection: str) -> None:
    store.insert(collection, [Point(A, {"n": 1} | lease("one", NOON))])
    gone = {A: {"lease": None, "n": 2}}
    store.set_payload(collection, gone, only=Equals("lease.owner", "two"))
    assert payload_of(store, collection, A)["n"] == 1
    store.set_payload(collection, gone, only=Equals("lease.owner", "one"))
    assert payload_of(store, collection, A) == {"n": 2}


def test_each_condition_can_guard_a_write(store: VectorStore, collection: str) -> None:
    conditions: list[tuple[Filter, list[str]]] = [
        (Not(Exists("done")), [B, C]),
        (Any((Exists("done"), HasVector("look"))), [A, B]),
        (AnyOf("kind", ("x", "y")), [A, C]),
        (HasId(frozenset({B})), [B]),
        (Range("n", lte=2), [A, B]),
    ]
    points = [
        Point(A, {"n": 1, "kind": "x", "done": True}),
        Point(B, {"n": 2, "kind": "z"}),
        Point(C, {"n": 3, "kind": "y"}),
    ]
    store.insert(collection, points)
    store.write_vectors(collection, [PointVectors(B, {"look": vector(1, 0, 0, 0)})])
    for number, (condition, expected) in enumerate(conditions):
        mark = {"mark": number}
        store.set_payload(collection, dict.fromkeys([A, B, C], mark), only=condition)
        marked, _ = store.scroll(collection, Equals("mark", number))
        assert [point.id for point in marked] == expected, condition


def test_points_may_share_one_payload_or_have_their_own(
    store: VectorStore, collection: str
) -> None:
    ids = [str(uuid.UUID(int=n)) for n in range(1, 601)]
    store.insert(collection, [Point(id, {"status": "pending"}) for id in ids])
    shared: dict[str, object] = {"status": "indexed"}
    own: dict[str, dict[str, object]] = {
        id: {"status": "failed", "reason": {"code": "odd", "message": id}} for id in ids[::3]
    }
    store.set_payload(collection, dict.fromkeys(ids, shared) | own)
    assert store.facet(collection, "status") == {"indexed": 400, "failed": 200}
    assert payload_of(store, collection, ids[0])["reason"] == own[ids[0]]["reason"]
    assert payload_of(store, collection, ids[1]) == shared


def test_a_guarded_write_that_makes_no_sense_changes_nothing(
    store: VectorStore, collection: str
) -> None:
    store.insert(collection, [Point(A, {"n": 1})])
    for condition in (All(()), Any(()), Equals("", 1), HasVector("smell")):
        with pytest.raises(InvalidQuery):
            store.set_payload(collection, {A: {"n": 2}}, only=condition)
    with pytest.raises(InvalidInput):
        store.set_payload(collection, {A: {"n": float("nan")}}, only=Equals("n", 1))
    with pytest.raises(InvalidInput):
        store.set_payload(collection, {"1": {"n": 2}}, only=Equals("n", 1))
    with pytest.raises(CollectionNotFound, match="nowhere"):
        store.set_payload("nowhere", {A: {"n": 2}}, only=Equals("n", 1))
    assert payload_of(store, collection, A) == {"n": 1}


@pytest.mark.parametrize("store", SHARED, indirect=True)
def test_of_many_who_claim_at_once_each_point_has_one(store: VectorStore, collection: str) -> None:
    ids = [str(uuid.UUID(int=n)) for n in range(1, 201)]
    store.insert(collection, [Point(id, {"status": "pending"}) for id in ids])
    won: dict[str, list[str]] = {}
    start = threading.Barrier(4)

    def work(worker: str) -> None:
        start.wait()
        for at in range(0, len(ids), 20):
            claim = lease(worker, "2026-03-01T12:01:00.000Z")
            mine = ids[at : at + 20]
            store.set_payload(collection, dict.fromkeys(mine, claim), only=FREE)
            got = [p for p in store.get(collection, mine) if p.payload["lease"] == claim["lease"]]
            won.setdefault(worker, []).extend(point.id for point in got)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(id for mine in won.values() for id in mine) == sorted(ids)


def test_leases_are_found_by_their_index(store: VectorStore, collection: str) -> None:
    """The ledger's fields are indexed from the first day, nested ones too; asking again is idle."""
    store.index_field(collection, "lease.until", FieldType.DATETIME)
    store.insert(
        collection, [Point(A, lease("one", NOON)), Point(B, lease("two", NOON)), Point(C, {})]
    )
    assert store.facet(collection, "lease.owner") == {"one": 1, "two": 1}
    assert store.count(collection, Range("lease.until", lte=NOON)) == 2
    assert store.count(collection, Not(Range("lease.until", gt=NOON))) == 3
    store.set_payload(collection, {A: {"lease": None}})
    assert store.facet(collection, "lease.owner") == {"two": 1}
    assert store.facet(collection, "lease.queue") == {"q1": 1}
