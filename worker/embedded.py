"""A job queue inside the process: a few threads, a bounded queue, the same retries as Celery's."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence

from indexer.batches import batches
from indexer.domain import AssetId
from indexer.errors import QueueUnavailable, Unavailable
from worker.indexing import RETRIES, backoff_seconds

log = logging.getLogger(__name__)

BATCH = 64
"""Assets a job: long enough to overlap decoding and the model, short enough to stop quickly."""

_WAITING_JOBS = 64
"""Jobs that wait; beyond it, reading slows down to the pace of indexing and memory stays flat."""

Run = Callable[[str, Sequence[AssetId]], None]


class EmbeddedQueue:
    """Runs jobs on threads of this process. What is queued at a crash is pending in the ledger."""

    def __init__(self, run: Run, *, threads: int = 2) -> None:
        self._run = run
        self._jobs: queue.Queue[tuple[str, Sequence[AssetId]] | None] = queue.Queue(_WAITING_JOBS)
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, name=f"index-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def enqueue(self, collection: str, ids: Sequence[AssetId]) -> None:
        """Hand over ids, waiting while the queue is full. Raises `QueueUnavailable` at the end."""
        for batch in batches(ids, BATCH):
            self._put((collection, batch))

    def wait(self) -> None:
        """Return when every job handed over so far has been worked on."""
        self._jobs.join()

    def close(self) -> None:
        """Let each thread end its present job; the rest stays pending in the ledger."""
        self._closing.set()
        for thread in self._threads:
            thread.join()

    def _put(self, job: tuple[str, Sequence[AssetId]]) -> None:
        while not self._closing.is_set():
            try:
                self._jobs.put(job, timeout=0.1)
            except queue.Full:
                continue
            return
        raise QueueUnavailable(
            "Semblance is shutting down; what was found stays in the ledger as pending and is "
            "indexed at the next start."
        )

    def _work(self) -> None:
        while not self._closing.is_set():
            try:
                job = self._jobs.get(timeout=0.1)
            except queue.Empty:
                continue
            try:
                if job is not None:
                    self._attempt(*job)
            finally:
                self._jobs.task_done()

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
