"""A job queue inside the process: a few threads, a bounded queue, the same retries as Celery's."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence

from indexer.batches import batches
from indexer.domain import AssetId, Kind
from indexer.errors import QueueUnavailable, Unavailable
from indexer.ports import Priority, VectorStore
from indexer.recovery import requeue_pending, requeue_unfilled
from worker.indexing import RETRIES, backoff_seconds
from worker.queue import Worker

log = logging.getLogger(__name__)

BATCH = 64
"""Assets a job: long enough to overlap decoding and the model, short enough to stop quickly."""

_WAITING_JOBS = 64
"""Jobs of one priority that wait; beyond it, reading slows down to the pace of indexing and
memory stays flat."""

Run = Callable[[str, Sequence[AssetId]], None]
_Job = tuple[str, Sequence[AssetId]]


class EmbeddedQueue:
    """Runs jobs on threads of this process. What is queued at a crash is pending in the ledger."""

    def __init__(self, run: Run, store: VectorStore, *, threads: int = 2) -> None:
        self._run = run
        self._store = store
        self._waiting: dict[Priority, deque[_Job]] = {one: deque() for one in Priority}
        self._running = 0
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, name=f"index-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def enqueue(
        self, collection: str, ids: Sequence[AssetId], kind: Kind, priority: Priority
    ) -> None:
        """Hand over ids, waiting while the queue is full. Raises `QueueUnavailable` at the end."""
        del kind  # all kinds are indexed here
        for batch in batches(ids, BATCH):
            self._put((collection, batch), self._waiting[priority])

    def take_up(self, collection: str) -> None:
        """Queue what is pending, then what lacks a vector; returns when all of it is queued."""
        requeue_pending(self._store, self, collection)
        requeue_unfilled(self._store, self, collection)

    def workers(self) -> list[Worker]:
        """None: this process does the work."""
        return []

    def wait(self) -> None:
        """Return when every job handed over so far has been worked on."""
        with self._changed:
            self._changed.wait_for(lambda: not self._running and not any(self._waiting.values()))

    def close(self) -> None:
        """Let each thread end its present job; the rest stays pending in the ledger."""
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _put(self, job: _Job, waiting: deque[_Job]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: len(waiting) < _WAITING_JOBS or self._closing.is_set())
            if self._closing.is_set():
                raise QueueUnavailable(
                    "Semblance is shutting down; what was found stays in the ledger as pending "
                    "and is indexed at the next start."
                )
            waiting.append(job)
            self._changed.notify_all()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                self._attempt(*job)
            finally:
                with self._changed:
                    self._running -= 1
                    self._changed.notify_all()

    def _next(self) -> _Job | None:
        """The job that goes first, or None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: any(self._waiting.values()) or self._closing.is_set())
            if self._closing.is_set():
                return None
            job = next(jobs for jobs in self._waiting.values() if jobs).popleft()
            self._running += 1
            self._changed.notify_all()
            return job

    def _attempt(self, collection: str, ids: Sequence[AssetId]) -> None:
        for attempt in range(RETRIES + 1):
            try:
                self._run(collection, ids)
            except Unavailable as error:
                log.warning("%s Trying again (%d of %d).", error.message, attempt + 1, RETRIES)
                if self._closing.wait(backoff_seconds(attempt)):
                    return
            else:
                return
        log.error("Gave up for now; %d assets stay pending.", len(ids))
