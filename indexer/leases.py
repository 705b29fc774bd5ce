"""Who has what in hand, when several processes share one store.

    {"queue": its identity, "until": …}    waits in that queue
    {"owner": a worker's batch, "until": …} is being worked on, renewed while the worker lives

A lease is a payload key, `lease`, of the asset (or of the job whose location is read). It is taken
by one conditional write that the store decides, and read back: of two who reach for the same asset
one gets it. What has no lease, an expired one, or one of a queue that has lost its memory, is in
nobody's hands and is queued again. Nothing depends on it but that work is not done twice at once:
indexing an asset a second time changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from indexer.domain import AssetId, Payload
from indexer.filters import All, Any, Equals, Exists, Filter, HasId, Not, Range
from indexer.ledger import scroll_all, written
from indexer.ports import VectorStore

LEASE = "lease"
LOST = "lost"
"""How many workers ended with the asset in hand."""


def hand_to_queue(
    store: VectorStore, collection: str, ids: Sequence[AssetId], queue: str, seconds: float
) -> None:
    """Note that the queue of this identity has them, but for those that a worker has."""
    lease: Payload = {LEASE: {"queue": queue, "until": moment(seconds)}}
    store.set_payload(collection, dict.fromkeys(ids, lease), only=free())


def leave_queue(store: VectorStore, collection: str, ids: Sequence[AssetId], queue: str) -> None:
    """Note that the queue does not have them after all."""
    gone: Payload = {LEASE: None}
    store.set_payload(collection, dict.fromkeys(ids, gone), only=Equals("lease.queue", queue))


def take(
    store: VectorStore, collection: str, ids: Sequence[AssetId], owner: str, seconds: float
) -> dict[AssetId, int]:
    """Take what no other worker has; returns what is now the owner's, each with its losses.

    A loss is a worker that ended with the asset in hand.
    """
    store.set_payload(collection, dict.fromkeys(ids, _owned(owner, seconds)), only=free())
    mine = All((HasId(frozenset(ids)), Equals("lease.owner", owner)))
    points = scroll_all(store, collection, mine, fields=(LEASE, LOST))
    return {point.id: losses_of(point.payload) for point in points}


def renew(
    store: VectorStore, collection: str, ids: Sequence[AssetId], owner: str, seconds: float
) -> None:
    """Keep for longer what is still the owner's."""
    owned = dict.fromkeys(ids, _owned(owner, seconds))
    store.set_payload(collection, owned, only=Equals("lease.owner", owner))


def release(store: VectorStore, collection: str, ids: Sequence[AssetId], owner: str) -> None:
    """Let go of what is still the owner's."""
    gone: Payload = {LEASE: None}
    store.set_payload(collection, dict.fromkeys(ids, gone), only=Equals("lease.owner", owner))


def free() -> Filter:
    """A filter for what no worker that lives has in hand."""
    return Any((Not(Exists("lease.owner")), _expired()))


def abandoned() -> Filter:
    """A filter for what a worker had in hand and has not renewed since."""
    return All((Exists("lease.owner"), _expired()))


def loose(queue: str, *, granted_before: str | None = None) -> Filter:
    """A filter for what nobody has and no worker has lost: neither this queue nor a worker.

    With `granted_before`, a moment, leases of the queue that end before it count as well: nothing
    waits there, so what it was given longer ago went astray.
    """
    other_queue = All((Exists("lease.queue"), Not(Equals("lease.queue", queue))))
    last = moment(0) if granted_before is None else granted_before
    astray = All((Exists("lease.queue"), Range("lease.until", lt=last)))
    return Any((Not(Exists("lease.until")), other_queue, astray))


def losses_of(payload: Payload) -> int:
    """How many workers ended with the asset in hand."""
    losses = payload.get(LOST)
    return losses if isinstance(losses, int) else 0


def moment(seconds: float) -> str:
    """The moment so many seconds from now, as the ledger writes moments."""
    return written(datetime.now(UTC) + timedelta(seconds=seconds))


def _owned(owner: str, seconds: float) -> Payload:
    return {LEASE: {"owner": owner, "until": moment(seconds)}}


def _expired() -> Filter:
    return Range("lease.until", lt=moment(0))
