"""Picks up what was left: after a crash everything pending, on request everything failed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from indexer import collections, jobs
from indexer.adding import index_location, reread
from indexer.batches import batches
from indexer.build import Engine
from indexer.domain import Document, Entry, Payload, Status
from indexer.filters import Equals, all_of
from indexer.ledger import PAGE, assets_where, document_from, scroll_all
from indexer.ports import JobQueue
from indexer.readers.uris import path_of


def resume(engine: Engine, queue: JobQueue) -> None:
    """Queue all pending assets again, then finish reading what interrupted jobs were reading."""
    for name in engine.store.collections():
        requeue_pending(engine, queue, name)
        for job in jobs.unfinished(engine.store, name):
            index_location(engine, queue, job)


def requeue_pending(engine: Engine, queue: JobQueue, collection: str) -> int:
    """Queue every pending asset; returns how many."""
    pending = assets_where(Equals("status", Status.PENDING.value))
    # Listed first: workers take assets out of this very filter while we page through it.
    ids = [point.id for point in scroll_all(engine.store, collection, pending, fields=("status",))]
    for batch in batches(ids, PAGE):
        queue.enqueue(collection, batch)
    return len(ids)


def retry_failed(engine: Engine, queue: JobQueue, collection: str) -> int:
    """Try every failed asset and every failed document again; returns how many."""
    collections.get(engine.store, collection)
    failed = assets_where(Equals("status", Status.FAILED.value))
    ids = [point.id for point in scroll_all(engine.store, collection, failed, fields=("status",))]
    again: Payload = {"status": Status.PENDING.value, "reason": None}
    for batch in batches(ids, PAGE):
        engine.store.set_payload(collection, dict.fromkeys(batch, again))
        queue.enqueue(collection, batch)
    documents = list(_failed_documents(engine, collection))
    paths = sorted({_file_of(document) for document in documents if _is_file(document)})
    if paths:
        reread(engine, queue, collection, [path for path in paths if path.exists()])
    return len(ids) + len(documents)


def _failed_documents(engine: Engine, collection: str) -> Iterator[Document]:
    condition = all_of(Equals("entry", Entry.DOCUMENT.value), Equals("status", Status.FAILED.value))
    for point in scroll_all(engine.store, collection, condition):
        yield document_from(point.payload)


def _is_file(document: Document) -> bool:
    return document.uri.startswith("file:")


def _file_of(document: Document) -> Path:
    file, _, _ = document.uri.partition("!/")
    return path_of(file)
