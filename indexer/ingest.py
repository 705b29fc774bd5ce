"""Records what readers find: idempotent, resumable, and nothing is lost on the way.

A document is read only if its size or mtime changed, or if it failed before. Its assets are
written as pending, then the document is noted as read: a crash in between only means that it is
read once more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from indexer import cancelling, jobs
from indexer.batches import batches
from indexer.blob_store import BlobStore
from indexer.collections import Collection
from indexer.departures import departed, drop_document, drop_sources
from indexer.domain import AssetId, Document, Reason, Status, document_id
from indexer.errors import Unavailable
from indexer.jobs import Job
from indexer.ledger import PAGE, document_from, reason_of
from indexer.observing import Observers
from indexer.ports import JobQueue, Priority, VectorStore
from indexer.readers.found import Found
from indexer.recording import Recorded, Recorder


class _Cancelled(Exception):
    """A person has cancelled the job: reading stops here."""


@dataclass(slots=True)
class Ingest:
    """One run over what a reader finds, on behalf of a job."""

    store: VectorStore
    blobs: BlobStore
    queue: JobQueue
    collection: Collection
    job: Job
    on_recorded: Callable[[Recorded], None] | None = None
    priority: Priority = Priority.BULK
    observers: Observers = field(default_factory=Observers)
    look_seconds: float = 1.0
    """How often at most the tally is saved, and the job looked at: it may have been cancelled."""
    _saved_at: float = 0.0

    def run(self, found: Iterable[Found], *, root: str | None = None, prune: bool = False) -> Job:
        """Record everything found; returns the finished job, or the cancelled one.

        With `root` (a URI), documents below it that are gone are counted and, with `prune`, their
        assets removed. An error that stops the run is noted in the job and raised again.
        """
        recorder = Recorder(
            self.store,
            self.blobs,
            self.queue,
            self.collection,
            self.job.id,
            self._note,
            self.priority,
        )
        try:
            for batch in batches(found, PAGE):
                self._record(recorder, batch)
            recorder.flush()
            if root is not None:
                self._settle_departures(root, prune)
            self.job = jobs.finish(self.store, self.job)
            self._look()
        except _Cancelled:
            # What the recorder still holds was promised to nobody; what it wrote after the mark is
            # set aside here, as whoever cancelled the job cannot have seen it.
            cancelling.settle(self.store, self.job)
        except Exception as error:
            # The job says why it stopped, or a person would wait for it for ever.
            if not isinstance(error, Unavailable):
                self.job = jobs.finish(self.store, self.job, reason_of(error))
            raise
        return self.job

    def _record(self, recorder: Recorder, batch: list[Found]) -> None:
        known = documents_at(self.store, self.collection.name, [found.uri for found in batch])
        for found in batch:
            self._save_now_and_then()
            before = known.get(found.uri)
            self._tally(documents=1)
            unchanged = before is not None and is_unchanged(before, found.size, found.mtime_ns)
            if before is not None and unchanged and not found.anew:
                self._tally(unchanged=1)
                if found.container is not None:
                    # Seen in its archive by this job: what is not seen there is gone.
                    recorder.close_document(replace(before, job=self.job.id))
            elif found.skip is not None:
                recorder.close_document(self._document(found, Status.SKIPPED, found.skip))
            else:
                self._read(recorder, found, before)

    def _read(self, recorder: Recorder, found: Found, before: Document | None) -> None:
        ids: set[AssetId] = set()
        try:
            for candidate in found.read():
                self._save_now_and_then()
                id = recorder.add(candidate)
                if before is not None:
                    ids.add(id)
        except (Unavailable, _Cancelled):
            raise
        except Exception as error:
            # Whatever a reader trips over, the other files go on; this one says why.
            reason = reason_of(error)
            recorder.close_document(self._document(found, Status.FAILED, reason))
            self.observers.failed(self.collection.name, "document", reason.code)
            return
        recorder.close_document(self._document(found, Status.READ, None))
        if before is not None:
            # The file was changed in place: what it no longer holds is not there any more.
            recorder.flush()
            name = self.collection.name
            self._tally(pruned=drop_sources(self.store, self.blobs, name, before.id, keep=ids))

    def _settle_departures(self, root: str, prune: bool) -> None:
        name = self.collection.name
        for gone in list(departed(self.store, name, root, self.job.id)):
            self._tally(moved=int(gone.assets > gone.lost == 0), missing=int(gone.lost > 0))
            if gone.lost == 0 or prune:
                pruned = drop_document(self.store, self.blobs, name, gone.document)
                self._tally(pruned=pruned)

    def _document(self, found: Found, status: Status, reason: Reason | None) -> Document:
        return Document(
            uri=found.uri,
            path=found.path,
            status=status,
            size=found.size,
            mtime_ns=found.mtime_ns,
            container=found.container,
            reason=reason,
            job=self.job.id,
        )

    def _note(self, recorded: Recorded) -> None:
        self._tally(known=int(recorded.known))
        outcome = "known" if recorded.known else recorded.status.value
        self.observers.recorded(self.collection.name, outcome)
        if recorded.reason is not None and not recorded.known:
            name, kind = self.collection.name, recorded.kind.value
            self.observers.failed(name, kind, recorded.reason.code)
        if self.on_recorded is not None:
            self.on_recorded(recorded)

    def _tally(self, **increments: int) -> None:
        tally = self.job.tally
        grown = {name: getattr(tally, name) + by for name, by in increments.items()}
        self.job = replace(self.job, tally=replace(tally, **grown))

    def _save_now_and_then(self) -> None:
        if time.monotonic() - self._saved_at >= self.look_seconds:
            jobs.save(self.store, self.job)
            self._look()
            self._saved_at = time.monotonic()

    def _look(self) -> None:
        latest = jobs.get(self.store, self.job.collection, self.job.id)
        if latest.cancelled_at is not None:
            self.job = replace(self.job, cancelled_at=latest.cancelled_at)
            raise _Cancelled


def is_unchanged(document: Document, size: int, mtime_ns: int) -> bool:
    """True if the document need not be read again; one that failed is always tried again."""
    return document.status is not Status.FAILED and (document.size, document.mtime_ns) == (
        size,
        mtime_ns,
    )


def documents_at(store: VectorStore, collection: str, uris: Sequence[str]) -> dict[str, Document]:
    """The ledger's entries for these URIs, by URI."""
    points = store.get(collection, [document_id(uri) for uri in uris])
    documents = (document_from(point.payload) for point in points)
    return {document.uri: document for document in documents}
