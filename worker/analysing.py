"""Runs analyses in the background: on a thread of this process, or in Celery workers.

One at a time in a process: each may take all the memory there is. The ledger says what is to be run
and how far it is; what is handed over here is only a hint to do it now.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

from indexer import leases
from indexer.analysis import entries, running
from indexer.analysis.method import Stopped
from indexer.analysis.subject import Access
from indexer.build import Engine
from indexer.domain import AssetId
from indexer.errors import CollectionNotFound, SemblanceError, Unavailable
from indexer.filters import Any
from indexer.ports import VectorStore
from worker.celery_queue import QUEUE_LEASE_SECONDS, CeleryQueue
from worker.indexing import RETRIES, backoff_seconds
from worker.queue import OpenQueue

log = logging.getLogger(__name__)

_CLOSING_SECONDS = 10.0


class Analyses(Protocol):
    """Takes analyses that the ledger holds; somewhere they are run."""

    def hand_over(self, collection: str, id: AssetId) -> None:
        """Have it run as soon as there is room."""

    def take_up(self, collection: str) -> None:
        """Have everything run that is unfinished and in nobody's hands."""

    def close(self) -> None:
        """Run nothing more; what is not finished begins anew at the next start."""


def open_analyses(engine: Engine, queue: OpenQueue) -> Analyses:
    """Where the settings have analyses run; `queue` is the open one of assets."""
    from worker.swept import SweptQueue

    if isinstance(queue, SweptQueue):
        return CeleryAnalyses(queue.jobs)
    return EmbeddedAnalyses(engine.access)


class EmbeddedAnalyses:
    """Runs analyses on one thread of this process, in the order in which they come."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._waiting: deque[tuple[str, AssetId]] = deque()
        self._known: set[tuple[str, AssetId]] = set()
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def hand_over(self, collection: str, id: AssetId) -> None:
        """Have it run after those that wait; one that waits or runs already goes on as it is."""
        with self._changed:
            if (collection, id) not in self._known:
                self._known.add((collection, id))
                self._waiting.append((collection, id))
                self._changed.notify()
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._work, name="analyse", daemon=True)
                self._thread.start()

    def take_up(self, collection: str) -> None:
        """Have everything run that an earlier process left unfinished."""
        for analysis in entries.unfinished(self._access.store, collection):
            self.hand_over(collection, analysis.id)

    def close(self) -> None:
        """Stop at the next step of what runs."""
        self._closing.set()
        with self._changed:
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(_CLOSING_SECONDS)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing.is_set())
                if self._closing.is_set():
                    return
                collection, id = self._waiting.popleft()
            try:
                self._run(collection, id)
            finally:
                with self._changed:
                    self._known.discard((collection, id))

    def _run(self, collection: str, id: AssetId) -> None:
        try:
            run_patiently(self._access, collection, id, self._closing.is_set, self._closing.wait)
        except Stopped:
            log.info("Analysis %s begins anew at the next start.", id)
        except SemblanceError as error:
            log.warning("Analysis %s waits for the next start: %s", id, error.message)
        except Exception:
            log.exception("Analysis %s could not be run.", id)


def run_patiently(
    access: Access,
    collection: str,
    id: AssetId,
    stopping: Callable[[], bool],
    wait: Callable[[float], object],
) -> None:
    """Run the analysis; while a part that it needs does not answer, try again some minutes long.

    Raises `Stopped` if `stopping` says so, and `Unavailable` if not even its failure can be noted.
    """
    for attempt in range(RETRIES + 1):
        try:
            running.run(access, collection, id, stopping, again=attempt > 0)
        except Unavailable as error:
            if attempt == RETRIES:
                running.give_up(access, collection, id, error)
                return
            log.warning("%s Trying the analysis again.", error.message)
            wait(backoff_seconds(attempt))
            if stopping():
                raise Stopped("The process is ending.") from error
        else:
            return


class CeleryAnalyses:
    """Sends analyses to Celery workers."""

    def __init__(self, queue: CeleryQueue) -> None:
        self._queue = queue

    def hand_over(self, collection: str, id: AssetId) -> None:
        """Send it; while that cannot be done, it waits in the ledger for a sweep."""
        try:
            self._queue.send_analysis(collection, id)
        except SemblanceError as error:
            log.warning("%s", error.message)

    def take_up(self, collection: str) -> None:
        """Nothing: sweeps do (`worker.sweeping`)."""

    def close(self) -> None:
        """Nothing: the queue is closed by whoever opened it."""


def sweep_analyses(store: VectorStore, queue: CeleryQueue, collection: str) -> int:
    """Send again what is unfinished and in nobody's hands; returns how many.

    Raises `Unavailable` if the store or Redis does not answer.
    """
    granted_before = None
    if queue.has_no_analysis():
        granted_before = leases.moment(QUEUE_LEASE_SECONDS - queue.lease_seconds)
    loose = leases.loose(queue.broker.identity(), granted_before=granted_before)
    try:
        found = entries.unfinished(store, collection, Any((loose, leases.abandoned())))
    except CollectionNotFound:
        return 0
    for analysis in found:
        queue.send_analysis(collection, analysis.id)
    return len(found)
