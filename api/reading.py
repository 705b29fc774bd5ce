"""Reads locations for jobs, each on a thread of its own and a few at a time."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

from indexer import jobs, leases
from indexer.adding import index_location
from indexer.build import Engine
from indexer.domain import AssetId, Kind, Reason
from indexer.errors import NotFound, QueueUnavailable, SemblanceError, StoreUnavailable
from indexer.importing import import_vectors
from indexer.jobs import Job, Request
from indexer.ledger import now, reason_of
from indexer.ports import JobQueue, Priority
from worker.custody import Custody
from worker.logs import bound
from worker.queue import OpenQueue

log = logging.getLogger(__name__)

AT_ONCE = 2
"""Locations read at once; reading is bound by the disk and by the pace of indexing."""

_CLOSING_SECONDS = 5.0

_YOUNG_SECONDS = 60.0
"""An upload's job without a lease may be one that is just being written."""

_CUT_OFF = Reason("interrupted", "The server ended while this was sent; send the files again.")


class Reading:
    """The jobs that are being read. What `stop` cuts off starts again at the next start.

    With `custody` other servers share the store: each job is read by one of them, and what one
    leaves unfinished another takes up, if it finds the location as well.
    """

    def __init__(self, engine: Engine, queue: OpenQueue, custody: Custody | None = None) -> None:
        self._engine = engine
        self._open_queue = queue
        self._custody = custody
        self._closing = threading.Event()
        self._queue = _UntilClosing(queue, self._closing)
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._threads: set[threading.Thread] = set()
        self._begun: set[tuple[str, AssetId]] = set()
        self._lock = threading.Lock()
        self._opened_at = now()

    @property
    def active(self) -> bool:
        """True while a job is read, or waits to be."""
        with self._lock:
            return bool(self._threads)

    def start(self, job: Job) -> None:
        """Read the job's location in the background; whatever stops it is noted in the job.

        A job that is being read here, or waits to be, goes on as it is.
        """
        with self._lock:
            if (job.collection, job.id) in self._begun:
                return
            self._begun.add((job.collection, job.id))
        self._spawn(threading.Thread(target=self._run, args=(job,), name="read", daemon=True))

    def held(self, job: Job) -> AbstractContextManager[Sequence[AssetId]]:
        """The job's id, for as long as it is ours to read; nothing if another server reads it."""
        if self._custody is None:
            return nullcontext([job.id])
        return self._custody.of(job.collection, [job.id])

    def resume(self) -> None:
        """In the background: queue what is pending again, read on where reading was cut off."""
        self._spawn(threading.Thread(target=self._resume, name="resume", daemon=True))
        if self._custody is not None:
            threading.Thread(target=self._watch, name="adopt", daemon=True).start()

    def requeue(self, collection: str) -> None:
        """In the background: queue again what is pending or lacks a vector in the collection."""
        work = partial(self._requeue, collection)
        self._spawn(threading.Thread(target=work, name="requeue", daemon=True))

    def stop(self) -> None:
        """Begin nothing more; what is read stops at the next assets it hands to the queue."""
        self._closing.set()

    def wait(self) -> None:
        """Wait a few seconds for what is being read to stop."""
        patience = time.monotonic() + _CLOSING_SECONDS
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(max(0.0, patience - time.monotonic()))

    def _spawn(self, thread: threading.Thread) -> None:
        with self._lock:
            self._threads.add(thread)
        thread.start()

    def _leave(self) -> None:
        with self._lock:
            self._threads.discard(threading.current_thread())

    def _run(self, job: Job) -> None:
        try:
            if self._read(job):
                # It may have been opened anew after reading it had ended, and before we let go.
                self._read_on(job)
        except Exception as error:
            self._note(job, error)
        finally:
            self._leave()

    def _read(self, job: Job) -> bool:
        """Read the job unless another server does; whether it was ours."""
        try:
            # The lease before the place: no other server takes up what waits for a place here.
            with bound(job=job.id, collection=job.collection), self.held(job) as mine:
                if mine:
                    self._read_mine(job)
                return bool(mine)
        finally:
            with self._lock:
                self._begun.discard((job.collection, job.id))

    def _read_mine(self, job: Job) -> None:
        with self._places:
            # It may be long since the job was looked at: it ended, or was opened anew.
            latest = jobs.get(self._engine.store, job.collection, job.id)
            if _is_open(latest) and not self._closing.is_set():
                imports = latest.request is not None and latest.request.space is not None
                read = import_vectors if imports else index_location
                read(self._engine, self._queue, latest)

    def _read_on(self, job: Job) -> None:
        latest = jobs.get(self._engine.store, job.collection, job.id)
        if _is_open(latest) and not self._closing.is_set():
            self.start(latest)

    def _note(self, job: Job, error: Exception) -> None:
        """Say in the job why reading stopped, or a person would wait for it for ever."""
        if self._closing.is_set():
            return  # unfinished in the ledger: it starts again at the next start
        passing = isinstance(error, StoreUnavailable | QueueUnavailable)
        if passing and self._custody is not None:
            log.warning("Reading waits: %s", error)
            return  # likewise: it is taken up again when both answer
        if isinstance(error, SemblanceError):
            log.warning("Reading stopped: %s", error.message)
        else:
            log.error("Reading job %s stopped.", job.id, exc_info=error)
        try:
            latest = jobs.get(self._engine.store, job.collection, job.id)
            if latest.finished_at is None:
                jobs.finish(self._engine.store, latest, reason_of(error))
        except NotFound:
            log.info("Collection %s was dropped while it was read into.", job.collection)
        except SemblanceError as second:
            log.error("Job %s cannot be closed: %s", job.id, second.message)

    def _requeue(self, collection: str) -> None:
        try:
            self._take_up(collection)
        finally:
            self._leave()

    def _take_up(self, collection: str) -> None:
        with _contained(f"Collection {collection} is not queued again"):
            self._open_queue.take_up(collection)

    def _resume(self) -> None:
        try:
            with _contained("What was left is not taken up"):
                self._adopt()
                for name in self._engine.store.collections():
                    self._take_up(name)
        finally:
            self._leave()

    def _watch(self) -> None:
        """Read on, now and then, what no server reads any more."""
        while not self._closing.wait(self._engine.settings.lease_seconds / 4):
            with _contained("Jobs of other servers are not looked at"):
                self._adopt()

    def _adopt(self) -> None:
        store = self._engine.store
        for name in store.collections():
            with _contained(f"Collection {name} is not resumed"):
                for job in jobs.unfinished(store, name, leases.free()):
                    if job.request is None:
                        self._give_up(job)
                    elif self._is_here(job.request):
                        self.start(job)

    def _give_up(self, upload: Job) -> None:
        """End the job of an upload that nobody records any more: its files came with a request."""
        young = leases.moment(-_YOUNG_SECONDS) if self._custody is not None else self._opened_at
        if upload.created_at < young:
            jobs.finish(self._engine.store, upload, _CUT_OFF)

    def _is_here(self, request: Request) -> bool:
        """Whether this machine finds what is to be read; if it is the only one, it says so."""
        return self._custody is None or os.path.lexists(request.location)


def _is_open(job: Job) -> bool:
    return job.finished_at is None and job.cancelled_at is None


@contextmanager
def _contained(failure: str) -> Iterator[None]:
    """Log what goes wrong, and go on: one collection keeps none of the others waiting."""
    try:
        yield
    except SemblanceError as error:
        log.warning("%s: %s", failure, error.message)
    except Exception:
        log.exception("%s.", failure)


@dataclass(frozen=True, slots=True)
class _UntilClosing:
    """A queue that takes nothing more once the server closes: this is where reading stops."""

    queue: JobQueue
    closing: threading.Event

    def enqueue(
        self, collection: str, ids: Sequence[AssetId], kind: Kind, priority: Priority
    ) -> None:
        if self.closing.is_set():
            raise QueueUnavailable("The server is closing; reading goes on at its next start.")
        self.queue.enqueue(collection, ids, kind, priority)
