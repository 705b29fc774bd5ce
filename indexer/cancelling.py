"""A person cancels a job: it is marked first, then what of it is pending is set aside.

    mark      `cancelled_at` in the job: whichever process reads for it stops when it looks next
    settle    pending assets become skipped, with the reason; workers pass them over

A crash between the two is no harm: `settle` can be repeated, and whoever queues pending assets
again begins with it (`complete`). What a worker has in hand at that moment it still finishes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from indexer import jobs
from indexer.batches import batches
from indexer.domain import AssetId, Document, Payload, Status, StoredPoint, document_id
from indexer.errors import Conflict, JobNotFound
from indexer.filters import All, Equals, Exists, Filter, Not
from indexer.jobs import Job, JobState
from indexer.leases import moment
from indexer.ledger import PAGE, assets_where, document_from, now, scroll_all, status_is
from indexer.ports import VectorStore

CANCELLED = "cancelled"
"""The reason's code of assets that were set aside because their job was cancelled."""

SETTLED = "settled"
"""The key in a cancelled job of which nothing is pending any more, nor will be."""

_SETTLED_SECONDS = 60.0
"""Whoever reads for a cancelled job has noticed by then, and writes nothing more for it."""

_UNREAD_MTIME = -1
"""No file has it: a document that is asked for again is read, though it has not changed."""


def cancel(store: VectorStore, job: Job) -> Job:
    """Stop the job for good; returns it as cancelled. Idempotent.

    Assets that are indexed stay. Raises `Conflict` if there is nothing left to stop.
    """
    if job.cancelled_at is None:
        told = jobs.progress(store, job)
        if told.state in (JobState.DONE, JobState.FAILED) and not told.totals.pending:
            raise Conflict(
                f"Job {job.id} has ended ({told.state}); there is nothing left to cancel.",
                job=job.id,
                state=told.state.value,
            )
        job = replace(job, cancelled_at=now())
        store.set_payload(job.collection, {job.id: {"cancelled_at": job.cancelled_at}})
        # Durable before anything is set aside: from here on it is only to be completed.
        store.flush(job.collection)
    settle(store, job)
    return job


def is_cancelled(store: VectorStore, job: Job) -> bool:
    """True if a person has cancelled the job since it was looked at."""
    return jobs.get(store, job.collection, job.id).cancelled_at is not None


def complete(store: VectorStore, collection: str) -> None:
    """Settle the cancelled jobs of which something is still pending."""
    cancelled = Exists("cancelled_at")
    long_ago = moment(-_SETTLED_SECONDS)
    for job in jobs.all_jobs(store, collection, All((cancelled, Not(Exists(SETTLED))))):
        if store.count(collection, _pending_of(job)):
            settle(store, job)
        elif job.cancelled_at is not None and job.cancelled_at < long_ago:
            # Not if somebody takes it up again in this very moment.
            store.set_payload(collection, {job.id: {SETTLED: True}}, only=cancelled)


def settle(store: VectorStore, job: Job) -> None:
    """Set aside what of a cancelled job is pending.

    An asset that another job found as well goes over to that job. The documents of all others
    count as unread, so that whoever indexes them again is given what was cancelled.
    """
    points = scroll_all(store, job.collection, _pending_of(job), fields=("documents",))
    live: dict[AssetId, bool] = {job.id: False}
    for batch in batches(points, PAGE):
        documents = _documents(store, job.collection, batch)
        changes: dict[AssetId, Payload] = {}
        unread: dict[AssetId, Payload] = {}
        for point in batch:
            mine = [documents[id] for id in _ids(point) if id in documents]
            heir = _heir(store, job, mine, live)
            changes[point.id] = _set_aside(job) if heir is None else {"job": heir}
            if heir is None:
                unread.update(_unread(mine))
        store.set_payload(job.collection, unread)
        # Not what a worker has finished in this very moment.
        store.set_payload(job.collection, changes, only=status_is(Status.PENDING))
    store.flush(job.collection)


def _pending_of(job: Job) -> Filter:
    return assets_where(Equals("job", job.id), status_is(Status.PENDING))


def _heir(
    store: VectorStore, job: Job, documents: Sequence[Document], live: dict[AssetId, bool]
) -> AssetId | None:
    """Another job that found the asset, and was not cancelled."""
    for document in documents:
        id = document.job
        if id is None:
            continue
        if id not in live:
            live[id] = _is_live(store, job.collection, id)
        if live[id]:
            return id
    return None


def _is_live(store: VectorStore, collection: str, id: AssetId) -> bool:
    try:
        return jobs.get(store, collection, id).cancelled_at is None
    except JobNotFound:
        return False


def _documents(
    store: VectorStore, collection: str, points: Sequence[StoredPoint]
) -> Mapping[AssetId, Document]:
    wanted = sorted({id for point in points for id in _ids(point)})
    found: dict[AssetId, Document] = {}
    for batch in batches(wanted, PAGE):
        entries = store.get(collection, batch)
        found.update({entry.id: document_from(entry.payload) for entry in entries})
    return found


def _ids(point: StoredPoint) -> list[AssetId]:
    raw = point.payload.get("documents")
    return [str(id) for id in raw] if isinstance(raw, list) else []


def _set_aside(job: Job) -> Payload:
    message = f"Cancelled by a person; `semblance jobs retry {job.id[:8]}` takes it up again."
    return {"status": Status.SKIPPED.value, "reason": {"code": CANCELLED, "message": message}}


def _unread(documents: Sequence[Document]) -> dict[AssetId, Payload]:
    """Changes by which documents, and the archives that hold them, count as unread."""
    ids = {document.id for document in documents}
    ids |= {document_id(one.container) for one in documents if one.container is not None}
    unread: Payload = {"mtime_ns": _UNREAD_MTIME}
    return dict.fromkeys(ids, unread)
