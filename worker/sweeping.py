"""Finds what nobody has in hand, and queues it again: the queue may forget, the ledger does not.

lost with the queue   Redis was emptied, or a message went astray: queued as it was
lost with a worker    it died with a batch in hand: queued in smaller batches each time, until
                      what kills workers stands alone; then it is failed, and the rest is done
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator

from indexer import cancelling, collections, leases, spaces
from indexer.batches import batches
from indexer.collections import Collection
from indexer.domain import AssetId, Kind, Payload, Status, StoredPoint
from indexer.errors import CollectionNotFound, InvalidInput, SemblanceError, WorkerLost
from indexer.filters import All, Any, Equals, Filter, Range
from indexer.indexing import Indexer, fail
from indexer.ledger import assets_where, scroll_all, status_is
from indexer.ports import Priority
from worker.analysing import sweep_analyses
from worker.celery_queue import QUEUE_LEASE_SECONDS, CeleryQueue
from worker.suspects import MOST_LOSSES, batch_size

log = logging.getLogger(__name__)

_FRESH_SECONDS = 5.0
"""What was written just now is about to be handed over by whoever wrote it."""

_ROOM = 1.25
"""Sweeps have room beyond that of readers, who fill the queue as fast as it empties."""

_CLOSING_SECONDS = 10.0


def sweep(indexer: Indexer, queue: CeleryQueue, name: str) -> int:
    """Queue what is unfinished and in nobody's hands, as far as there is room; returns how much.

    Raises `Unavailable` if the store or Redis does not answer.
    """
    collection = collections.get(indexer.store, name)
    cancelling.complete(indexer.store, name)
    swept = _sweep_abandoned(indexer, queue, collection)
    written = Range("added_at", lt=leases.moment(-_FRESH_SECONDS))
    pending = assets_where(status_is(Status.PENDING), written)
    swept += _sweep_loose(indexer, queue, name, pending, Priority.BULK)
    if (lacking := spaces.unfilled(collection)) is not None:
        swept += _sweep_loose(indexer, queue, name, assets_where(lacking), Priority.FILL)
    return swept + sweep_analyses(indexer.store, queue, name)


def _sweep_loose(
    indexer: Indexer, queue: CeleryQueue, name: str, condition: Filter, priority: Priority
) -> int:
    swept = 0
    identity = queue.broker.identity()
    for kind in Kind:
        granted_before = None
        if queue.is_empty(kind):
            # A message that was sent longer ago than a lease lasts, and is not there, is gone.
            granted_before = leases.moment(QUEUE_LEASE_SECONDS - queue.lease_seconds)
        loose = leases.loose(identity, granted_before=granted_before)
        wanted = assets_where(condition, loose, Equals("kind", kind.value))
        points = scroll_all(indexer.store, name, wanted, fields=("kind", leases.LOST))
        for batch in _alike(points):
            if not queue.has_room(kind, priority, share=_ROOM):
                break
            queue.send(name, batch, kind, priority)
            swept += len(batch)
    return swept


def _alike(points: Iterator[StoredPoint]) -> Iterator[list[AssetId]]:
    """Batches of assets with equally many losses, as large as these allow."""
    waiting: dict[int, list[AssetId]] = {}
    for point in points:
        losses = leases.losses_of(point.payload)
        batch = waiting.setdefault(losses, [])
        batch.append(point.id)
        if len(batch) >= batch_size(losses):
            yield waiting.pop(losses)
    yield from waiting.values()


def _sweep_abandoned(indexer: Indexer, queue: CeleryQueue, collection: Collection) -> int:
    """What was not renewed: if its worker is gone, that is a loss; if not, it let go of it."""
    pending = status_is(Status.PENDING)
    lacking = spaces.unfilled(collection)
    unfinished = pending if lacking is None else Any((pending, lacking))
    condition = assets_where(unfinished, leases.abandoned())
    points = scroll_all(
        indexer.store, collection.name, condition, fields=("kind", leases.LOST, leases.LEASE)
    )
    alive = {json.loads(about)["name"] for about in queue.broker.workers()}
    found: dict[tuple[Kind, str, int], list[AssetId]] = {}
    for point in points:
        owner = _owner(point)
        lost = leases.losses_of(point.payload) + (owner.rpartition("/")[0] not in alive)
        found.setdefault((Kind(str(point.payload["kind"])), owner, lost), []).append(point.id)
    for (kind, owner, lost), ids in found.items():
        log.warning("%s has let go of %d assets of %s.", owner, len(ids), collection.name)
        _queue_abandoned(indexer, queue, collection.name, ids, kind, owner, lost)
    return sum(len(ids) for ids in found.values())


def _owner(point: StoredPoint) -> str:
    lease = point.payload.get(leases.LEASE)
    return str(lease.get("owner", "")) if isinstance(lease, dict) else ""


def _queue_abandoned(
    indexer: Indexer,
    queue: CeleryQueue,
    name: str,
    ids: list[AssetId],
    kind: Kind,
    owner: str,
    lost: int,
) -> None:
    if lost >= MOST_LOSSES:
        fail(indexer, name, ids, _given_up(lost))
        return
    # Whoever takes them in this very moment takes them as they were.
    same = All((Equals("lease.owner", owner), leases.abandoned()))
    note: Payload = {leases.LOST: lost}
    indexer.store.set_payload(name, dict.fromkeys(ids, note), only=same)
    for batch in batches(ids, batch_size(lost)):
        queue.send(name, batch, kind, Priority.BULK)


def _given_up(lost: int) -> WorkerLost:
    return WorkerLost(
        f"{lost} workers ended while they worked on this, the last ones on nothing else: it "
        "crashes a library or takes more memory than there is. Convert it, or give workers more "
        "memory, and try again."
    )


class Sweeper:
    """A thread that sweeps every Collection now and then, in one process at a time."""

    def __init__(self, indexer: Indexer, queue: CeleryQueue, seconds: float) -> None:
        self._indexer = indexer
        self._queue = queue
        self._seconds = seconds
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="sweep", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Return when the present sweep has ended, or does not end soon."""
        self._closing.set()
        self._thread.join(_CLOSING_SECONDS)

    def _work(self) -> None:
        away = False
        while not self._closing.wait(self._seconds):
            try:
                with self._queue.broker.sweeping(self._queue.lease_seconds) as alone:
                    if alone:
                        self._sweep_all()
                away = False
            except SemblanceError as error:
                # Said once: it will be looked at every few seconds until it is back.
                log.log(logging.DEBUG if away else logging.WARNING, "No sweep: %s", error.message)
                away = True
            except Exception:
                log.exception("A sweep failed.")

    def _sweep_all(self) -> None:
        for name in self._indexer.store.collections():
            if self._closing.is_set():
                return
            try:
                if swept := sweep(self._indexer, self._queue, name):
                    log.info("Queued %d assets of %s again.", swept, name)
            except CollectionNotFound:
                log.debug("Collection %s is just being made, or dropped.", name)
            except InvalidInput as error:
                # One collection that cannot be swept keeps none of the others waiting.
                log.warning("Collection %s is not swept: %s", name, error.message)
