"""Picks up what was left: after a crash everything pending, on request everything failed."""

from __future__ import annotations

from dataclasses import dataclass

from indexer import cancelling, collections, jobs, spaces
from indexer.batches import batches
from indexer.domain import AssetId, Entry, Kind, Payload, Status
from indexer.errors import JobNotFound
from indexer.filters import Equals, Filter, Not, all_of
from indexer.jobs import Request
from indexer.ledger import (
    PAGE,
    assets_where,
    document_from,
    gaps_payload,
    has_gap,
    scroll_all,
    status_is,
)
from indexer.ports import JobQueue, Priority, VectorStore
from indexer.retrying import EMPTY_TEXT


def requeue_pending(store: VectorStore, queue: JobQueue, collection: str) -> int:
    """Queue every pending asset, but those of cancelled jobs; returns how many."""
    cancelling.complete(store, collection)
    queued = 0
    for kind in Kind:
        ids = _assets(store, collection, Status.PENDING, Equals("kind", kind.value))
        for batch in batches(ids, PAGE):
            queue.enqueue(collection, batch, kind, Priority.BULK)
        queued += len(ids)
    return queued


def requeue_unfilled(store: VectorStore, queue: JobQueue, collection: str) -> int:
    """Queue every indexed asset that lacks the vector of a model; returns how many."""
    condition = spaces.unfilled(collections.get(store, collection))
    if condition is None:
        return 0
    queued = 0
    for kind in Kind:
        alike = assets_where(condition, Equals("kind", kind.value))
        # Page by page: what is filled meanwhile lies behind, and nothing new comes in before it.
        points = scroll_all(store, collection, alike, fields=("status",))
        for batch in batches(points, PAGE):
            queue.enqueue(collection, [point.id for point in batch], kind, Priority.FILL)
            queued += len(batch)
    return queued


@dataclass(frozen=True, slots=True)
class Retry:
    """What is to be tried again: assets, and documents by reading `requests` anew."""

    assets: int
    documents: int
    requests: tuple[Request, ...]


def retry_failed(store: VectorStore, collection: str) -> Retry:
    """Make failed assets pending again, and say what must be read again for failed documents.

    Assets that have a gap in a Space lose it, and with it what kept them from being filled.

    Documents are read by repeating the request that found them, so that labels and captions come
    along; what has not changed there is passed over.
    """
    collections.get(store, collection)
    again: Payload = {"status": Status.PENDING.value, "reason": None, "lost": None}
    ids = _assets(store, collection, Status.FAILED, Not(EMPTY_TEXT))
    for batch in batches(ids, PAGE):
        store.set_payload(collection, dict.fromkeys(batch, again))
    gaps = [point.id for point in scroll_all(store, collection, has_gap(), fields=("status",))]
    for batch in batches(gaps, PAGE):
        store.set_payload(collection, dict.fromkeys(batch, gaps_payload({})))
    requests: dict[AssetId, Request | None] = {}
    documents = 0
    failed = all_of(Equals("entry", Entry.DOCUMENT.value), status_is(Status.FAILED))
    for point in scroll_all(store, collection, failed):
        job = document_from(point.payload).job
        if job is not None and job not in requests:
            requests[job] = _request(store, collection, job)
        documents += int(requests.get(job or "") is not None)
    asked = [request for request in requests.values() if request is not None]
    distinct = {(request.location, request.space): request for request in asked}
    return Retry(len(ids) + len(gaps), documents, tuple(distinct.values()))


def _request(store: VectorStore, collection: str, job: AssetId) -> Request | None:
    try:
        return jobs.get(store, collection, job).request
    except JobNotFound:
        return None


def _assets(
    store: VectorStore, collection: str, status: Status, further: Filter | None = None
) -> list[AssetId]:
    # Listed before anything is done: workers change this very filter while we page through it.
    condition = assets_where(status_is(status), further)
    return [point.id for point in scroll_all(store, collection, condition, fields=("status",))]
