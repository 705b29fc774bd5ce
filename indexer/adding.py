"""Adds to a Collection: a location on disk, or files that were handed over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from indexer import collections, jobs
from indexer.build import Engine
from indexer.cancelling import CANCELLED
from indexer.collections import Collection
from indexer.content import Content
from indexer.copying import copied
from indexer.domain import AssetId, Kind, Reason, Status
from indexer.errors import InvalidInput, SemblanceError, Unavailable
from indexer.ingest import Ingest, documents_at, is_unchanged
from indexer.jobs import Job, Request
from indexer.ledger import reason_of
from indexer.ports import JobQueue, Priority
from indexer.readers.found import Candidate, Columns, Found, Passages, ReadOptions
from indexer.readers.location import read_location, read_upload
from indexer.readers.uris import file_uri
from indexer.recording import Recorded

_DEFAULT_WINDOW = 254


@dataclass(frozen=True, slots=True)
class Upload:
    """A file handed over by a client; its metadata is given to every asset in it."""

    name: str
    content: Content
    metadata: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one upload. `known` ids were in the Collection already."""

    name: str
    status: Status
    ids: tuple[AssetId, ...] = ()
    known: tuple[AssetId, ...] = ()
    reason: Reason | None = None


def start_location(engine: Engine, collection_name: str, request: Request) -> Job:
    """Check that the location is there and write the job; `index_location` does the reading.

    Raises `NotFound` if the path does not exist, `CollectionNotFound`.
    """
    collections.get(engine.store, collection_name)
    path = Path(request.location)
    if not path.is_absolute():
        raise InvalidInput(f"{request.location} is not an absolute path.", path=request.location)
    # Asking for the first document is what finds out whether the location can be read.
    next(iter(read_location(path, _bare_options(engine))), None)
    return jobs.start(engine.store, collection_name, request)


def index_location(engine: Engine, queue: JobQueue, job: Job) -> Job:
    """Read the job's location to its end; assets are indexed by the queue's workers meanwhile."""
    request = job.request
    assert request is not None
    collection = collections.get(engine.store, job.collection)
    path = Path(request.location)
    options = replace(
        _options(engine, collection),
        exclude=request.exclude,
        labels=request.labels,
        columns=Columns(request.text, request.image, request.id, request.metadata),
    )
    ingest = Ingest(engine.store, engine.blobs, queue, collection, job, observers=engine.observers)
    found = read_location(path, options)
    if request.copy:
        found = copied(engine.store, engine.blobs, job.collection, found)
    return ingest.run(found, root=file_uri(path), prune=request.prune)


def add_uploads(
    engine: Engine,
    queue: JobQueue,
    collection_name: str,
    uploads: Sequence[Upload],
    held: Callable[[Job], AbstractContextManager[object]] = nullcontext,
) -> tuple[Job, list[Outcome]]:
    """Record uploads, durably, and hand them to the queue; one bad file fails alone.

    `held` keeps the job from those who look for jobs that nobody works on any more.
    """
    collection = collections.get(engine.store, collection_name)
    job = jobs.start(engine.store, collection_name)
    with held(job):
        return _add(engine, queue, collection, job, uploads)


def _add(
    engine: Engine, queue: JobQueue, collection: Collection, job: Job, uploads: Sequence[Upload]
) -> tuple[Job, list[Outcome]]:
    recorded: list[Recorded] = []
    ingest = Ingest(
        engine.store,
        engine.blobs,
        queue,
        collection,
        job,
        recorded.append,
        Priority.INTERACTIVE,
        observers=engine.observers,
    )
    options = _options(engine, collection)
    found = [list(_found_in(upload, options)) for upload in uploads]
    try:
        job = ingest.run(one for several in found for one in several)
    except Unavailable as error:
        # Nobody takes this job up again: whoever sent the files was told, and sends them again.
        with suppress(SemblanceError):
            jobs.finish(engine.store, ingest.job, reason_of(error))
        raise
    outcomes = [
        _outcome(engine, collection.name, upload, documents, recorded)
        for upload, documents in zip(uploads, found, strict=True)
    ]
    return job, outcomes


def _found_in(upload: Upload, options: ReadOptions) -> Iterator[Found]:
    # The digest keeps two different files of one name apart: neither replaces the other.
    digest = upload.content.sha256[:16]
    for found in read_upload(upload.name, upload.content, options, prefix=digest):
        yield replace(found, read=partial(_read_with, found, upload.metadata))


def _read_with(found: Found, metadata: Mapping[str, object]) -> Iterator[Candidate]:
    for candidate in found.read():
        yield replace(candidate, metadata={**candidate.metadata, **metadata})


def _outcome(
    engine: Engine,
    collection: str,
    upload: Upload,
    documents: Sequence[Found],
    recorded: Sequence[Recorded],
) -> Outcome:
    uris = {found.uri for found in documents}
    mine = [one for one in recorded if one.uri in uris]
    entries = documents_at(engine.store, collection, sorted(uris)).values()
    problems = [entry for entry in entries if entry.status is not Status.READ]
    failed = [one for one in mine if one.status is Status.FAILED]
    if problems and not mine:
        return Outcome(upload.name, problems[0].status, reason=problems[0].reason)
    if not mine and not entries:
        why = Reason(CANCELLED, "Cancelled by a person before it was read; send it again.")
        return Outcome(upload.name, Status.SKIPPED, reason=why)
    ids = tuple(one.id for one in mine)
    known = tuple(one.id for one in mine if one.known)
    if failed and len(failed) == len(mine):
        return Outcome(upload.name, Status.FAILED, ids, known, failed[0].reason)
    done = mine and all(one.status is Status.INDEXED for one in mine)
    return Outcome(upload.name, Status.INDEXED if done else Status.PENDING, ids, known)


def _options(engine: Engine, collection: Collection) -> ReadOptions:
    def unchanged(uri: str, size: int, mtime_ns: int) -> bool:
        known = documents_at(engine.store, collection.name, [uri]).get(uri)
        return known is not None and is_unchanged(known, size, mtime_ns)

    return replace(
        _bare_options(engine), passages=_passages(engine, collection), unchanged=unchanged
    )


def _bare_options(engine: Engine) -> ReadOptions:
    return ReadOptions(engine.limits, Passages(_DEFAULT_WINDOW, _count_words))


def _passages(engine: Engine, collection: Collection) -> Passages:
    """Passages that fit the smallest window among the Collection's models of text."""
    spaces = collection.spaces_for(Kind.TEXT)
    embedders = [collections.embedder_of(engine.embedders, collection, s) for s in spaces]
    if not embedders:
        return Passages(_DEFAULT_WINDOW, _count_words)
    narrowest = min(embedders, key=lambda embedder: embedder.text_window)
    return Passages(narrowest.text_window, narrowest.count_tokens)


def _count_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]
