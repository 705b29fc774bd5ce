"""One job is tried again: what failed in it, and what was cancelled.

`indexer.recovery` tries everything again that failed in a Collection.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from indexer import jobs
from indexer.batches import batches
from indexer.cancelling import CANCELLED, SETTLED
from indexer.domain import Entry, Kind, Payload, Status
from indexer.filters import All, Any, Equals, Exists, Filter, Not, all_of
from indexer.jobs import Job, Tally
from indexer.ledger import PAGE, assets_where, now, scroll_all, status_is
from indexer.ports import VectorStore

EMPTY_TEXT = All((Equals("kind", Kind.TEXT.value), Not(Exists("text"))))
"""A text without text is a row or a page that could not be read: no model will help it."""


@dataclass(frozen=True, slots=True)
class Again:
    """What is tried again of a job: assets, documents, and whether reading starts anew."""

    job: Job
    assets: int
    documents: int
    reading: bool


def retry_job(store: VectorStore, job: Job) -> Again:
    """Make the failed and cancelled assets of the job pending, to be queued by the caller.

    `reading` says that the caller is to read the job's location anew: because reading was
    cancelled, or stopped by an error, or left documents that failed. What has not changed is then
    passed over. A job that is still being read goes on as it is.
    """
    again = [point.id for point in scroll_all(store, job.collection, _again(job), fields=("kind",))]
    documents = store.count(job.collection, _failed_documents(job))
    cut_off = job.error is not None or (job.cancelled_at is not None and job.finished_at is None)
    reading = job.request is not None and (cut_off or documents > 0)
    if again or reading or job.cancelled_at is not None:
        # The job first: while it counts as cancelled, what becomes pending would be set aside.
        job = _reopened(store, job, reading)
        pending: Payload = {"status": Status.PENDING.value, "reason": None, "lost": None}
        for batch in batches(again, PAGE):
            store.set_payload(job.collection, dict.fromkeys(batch, pending))
    return Again(job, len(again), documents if reading else 0, reading)


def _again(job: Job) -> Filter:
    failed = all_of(status_is(Status.FAILED), Not(EMPTY_TEXT))
    cancelled = all_of(status_is(Status.SKIPPED), Equals("reason.code", CANCELLED))
    assert failed is not None
    assert cancelled is not None
    return assets_where(Equals("job", job.id), Any((failed, cancelled)))


def _failed_documents(job: Job) -> Filter:
    mine = (Equals("entry", Entry.DOCUMENT.value), Equals("job", job.id))
    return All((*mine, status_is(Status.FAILED)))


def _reopened(store: VectorStore, job: Job, reading: bool) -> Job:
    # What was uploaded cannot be read anew: whatever was not taken then has to be sent again.
    was_read = job.finished_at or (now() if job.cancelled_at is not None else None)
    reopened = replace(
        job,
        cancelled_at=None,
        retried_at=now(),
        error=None,
        finished_at=None if reading else was_read,
        tally=Tally() if reading else job.tally,
        remarks=() if reading else job.remarks,
    )
    marks: Payload = {
        "cancelled_at": None,
        SETTLED: None,
        "retried_at": reopened.retried_at,
        "finished_at": reopened.finished_at,
        "reason": None,
    }
    store.set_payload(job.collection, {job.id: marks})
    jobs.save(store, reopened)
    store.flush(job.collection)
    return reopened
