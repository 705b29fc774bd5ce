"""The job queue that Celery workers take from, in Redis, and what keeps it complete."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from celery import Celery

from indexer import leases
from indexer.batches import batches
from indexer.domain import AssetId, Kind
from indexer.errors import QueueUnavailable
from indexer.ports import Priority, VectorStore
from worker.broker import Broker, broker_errors
from worker.celery_app import ANALYSE_TASK, ANALYSIS_QUEUE, INDEX_TASK, PRIORITY_OF, QUEUE_OF
from worker.suspects import BATCH

log = logging.getLogger(__name__)

MOST_WAITING = 512
"""Messages of a Kind that wait (131,072 assets, some 6 MB in Redis); beyond it, reading slows down
to the pace of indexing."""

QUEUE_LEASE_SECONDS = 24 * 3600
"""Longer than a full queue takes to be worked through, even by one slow worker."""

PATIENCE_SECONDS = 60.0
"""How long bulk work waits for a Redis that does not answer."""

_LOOK_SECONDS = 0.25


class CeleryQueue:
    """Hands jobs to Celery workers: ids only, never bytes or vectors.

    What it could not hand over stays pending without a lease, and is queued by the next sweep.
    """

    def __init__(
        self,
        app: Celery,
        store: VectorStore,
        *,
        patience: float = PATIENCE_SECONDS,
        most_waiting: int = MOST_WAITING,
        lease_seconds: float = 60.0,
    ) -> None:
        self.broker = Broker(app)
        self.lease_seconds = lease_seconds
        self._most_waiting = most_waiting
        self._app = app
        self._store = store
        self._patience = patience
        self._closing = threading.Event()

    def enqueue(
        self, collection: str, ids: Sequence[AssetId], kind: Kind, priority: Priority
    ) -> None:
        """Hand over ids, in messages of `BATCH`.

        Bulk work waits while the queue is full, and some time for a Redis that is away, before
        it raises `QueueUnavailable`. Nobody who has just sent something is kept waiting.
        """
        for batch in batches(ids, BATCH):
            if priority is Priority.INTERACTIVE:
                self._offer(collection, batch, kind)
            else:
                self._hand_over(collection, batch, kind, priority)

    def has_room(self, kind: Kind, priority: Priority, share: float = 1.0) -> bool:
        """False while so many messages wait that more would only fill Redis.

        What is less urgent does not count: it waits behind. With a share above 1 there is room
        even where others stop.
        """
        waiting = self.broker.waiting([QUEUE_OF[kind]], up_to=PRIORITY_OF[priority])
        return waiting < share * self._most_waiting

    def is_empty(self, kind: Kind) -> bool:
        """True if no message of this Kind waits."""
        return not self.broker.waiting([QUEUE_OF[kind]])

    def send(self, collection: str, ids: Sequence[AssetId], kind: Kind, priority: Priority) -> None:
        """Send one message, whatever waits already. Raises `QueueUnavailable`."""
        args = [collection, list(ids), kind.value]
        self._send(collection, ids, INDEX_TASK, args, QUEUE_OF[kind], PRIORITY_OF[priority])

    def send_analysis(self, collection: str, id: AssetId) -> None:
        """Send an analysis to be run. Raises `QueueUnavailable`."""
        urgent = PRIORITY_OF[Priority.INTERACTIVE]
        self._send(collection, [id], ANALYSE_TASK, [collection, id], ANALYSIS_QUEUE, urgent)

    def has_no_analysis(self) -> bool:
        """True if no analysis waits for a worker."""
        return not self.broker.waiting([ANALYSIS_QUEUE])

    def close(self) -> None:
        """Hand over nothing more."""
        self._closing.set()
        self._app.close()

    def _send(
        self,
        collection: str,
        ids: Sequence[AssetId],
        task: str,
        args: Sequence[object],
        queue: str,
        step: int,
    ) -> None:
        # The lease first: a worker that gets the message takes it over.
        identity = self.broker.identity()
        leases.hand_to_queue(self._store, collection, ids, identity, QUEUE_LEASE_SECONDS)
        try:
            with broker_errors():
                self._app.send_task(task, args=list(args), queue=queue, priority=step, retry=False)
        except BaseException:
            leases.leave_queue(self._store, collection, ids, identity)
            raise

    def _offer(self, collection: str, ids: Sequence[AssetId], kind: Kind) -> None:
        try:
            if self.has_room(kind, Priority.INTERACTIVE):
                self.send(collection, ids, kind, Priority.INTERACTIVE)
        except QueueUnavailable as error:
            log.warning("%s", error.message)

    def _hand_over(
        self, collection: str, ids: Sequence[AssetId], kind: Kind, priority: Priority
    ) -> None:
        until = time.monotonic() + self._patience
        while not self._closing.is_set():
            try:
                if self.has_room(kind, priority):
                    self.send(collection, ids, kind, priority)
                    return
            except QueueUnavailable as error:
                if time.monotonic() > until:
                    raise
                log.warning("%s", error.message)
            else:
                until = time.monotonic() + self._patience
            self._closing.wait(_LOOK_SECONDS)
        raise QueueUnavailable("Semblance is shutting down; what was found stays pending.")
