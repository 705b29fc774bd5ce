"""Finds what nobody has in hand, and queues it again: the queue may forget, the ledger does not.

lost with the queue   Redis was emptied, or a message went astray: queued as it was
lost with a worker    it died with a batch in hand: queued in smaller batches each time, until
                      what kills workers stands alone; then it is failed, and the rest is done
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

from indexer import cancelling, collections, leases, spaces
from indexer.batches import batches
from indexer.collections import Collection
from indexer.domain import AssetId, Kind, Payload, Status
from indexer.errors import CollectionNotFound, InvalidInput, SemblanceError, WorkerLost
from indexer.filters import Any, Equals, Filter, Range
from indexer.indexing import Indexer, fail
from indexer.ledger import assets_where, scroll_all, status_is
from indexer.ports import Priority
from worker.celery_queue import BATCH, CeleryQueue

log = logging.getLogger(__name__)

MOST_LOSSES = 6
"""A batch of 256 that kills workers is cut to 64, 16, 4, 1 and 1: what dies alone twice fails."""

_FRESH_SECONDS = 5.0
"""What was written just now is about to be handed over by whoever wrote it."""


def sweep(indexer: Indexer, queue: CeleryQueue, name: str) -> int:
    """Queue what is unfinished and in nobody's hands, as far as there is room; returns how much.

    Raises `Unavailable` if the store or Redis does not answer.
    """
    collection = collections.get(indexer.store, name)
    cancelling.complete(indexer.store, name)
    identity = queue.broker.identity()
    swept = _sweep_abandoned(indexer, queue, collection)
    written = Range("added_at", lt=leases.moment(-_FRESH_SECONDS))
    pending = assets_where(status_is(Status.PENDING), leases.loose(identity), written)
    swept += _queue(indexer, queue, name, pending, Priority.BULK)
    if (lacking := spaces.unfilled(collection)) is not None:
        unfilled = assets_where(lacking, leases.loose(identity))
        swept += _queue(indexer, queue, name, unfilled, Priority.FILL)
    return swept


def _queue(
    indexer: Indexer, queue: CeleryQueue, name: str, condition: Filter, priority: Priority
) -> int:
    swept = 0
    for kind in Kind:
        ids = _ids(indexer, name, assets_where(condition, Equals("kind", kind.value)))
        for batch in batches(ids, BATCH):
            # Half of what fits: whoever waits with a batch for room in the queue goes first.
            if not queue.has_room(kind, share=0.5):
                break
            queue.send(name, batch, kind, priority)
            swept += len(batch)
    return swept


def _ids(indexer: Indexer, name: str, condition: Filter) -> Iterator[AssetId]:
    points = scroll_all(indexer.store, name, condition, fields=("kind",))
    return (point.id for point in points)


def _sweep_abandoned(indexer: Indexer, queue: CeleryQueue, collection: Collection) -> int:
    pending = status_is(Status.PENDING)
    lacking = spaces.unfilled(collection)
    unfinished = pending if lacking is None else Any((pending, lacking))
    condition = assets_where(unfinished, leases.abandoned())
    found: dict[tuple[Kind, int], list[AssetId]] = {}
    for point in scroll_all(indexer.store, collection.name, condition, fields=("kind", "lost")):
        losses = point.payload.get("lost")
        lost = (losses if isinstance(losses, int) else 0) + 1
        found.setdefault((Kind(str(point.payload["kind"])), lost), []).append(point.id)
    for (kind, lost), ids in found.items():
        log.warning("A worker was lost with %d assets of %s in hand.", len(ids), collection.name)
        _queue_abandoned(indexer, queue, collection.name, ids, kind, lost)
    return sum(len(ids) for ids in found.values())


def _queue_abandoned(
    indexer: Indexer, queue: CeleryQueue, name: str, ids: list[AssetId], kind: Kind, lost: int
) -> None:
    if lost >= MOST_LOSSES:
        fail(
            indexer,
            name,
            ids,
            WorkerLost(
                f"{lost} workers in a row ended while they worked on this, the last ones on "
                "nothing else: it crashes a library or takes more memory than there is. Convert "
                "it, or give workers more memory, and try again."
            ),
        )
        return
    note: Payload = {"lost": lost}
    indexer.store.set_payload(name, dict.fromkeys(ids, note))
    for batch in batches(ids, max(1, BATCH // 4**lost)):
        queue.send(name, batch, kind, Priority.BULK)


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
        """Return when the present sweep has ended."""
        self._closing.set()
        self._thread.join()

    def _work(self) -> None:
        away = False
        while not self._closing.wait(self._seconds):
            try:
                if self._queue.broker.may_sweep(self._seconds * 0.9):
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
