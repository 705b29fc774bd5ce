"""Jobs: what was asked for, how far it has come, what failed. All of it from the ledger."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import cast

from indexer import collections
from indexer.collections import Totals
from indexer.domain import AssetId, Entry, Payload, Point, Reason, Status, StoredPoint
from indexer.errors import JobNotFound
from indexer.filters import Any, Equals, Filter, all_of
from indexer.ledger import has_gap, now, reason_payload, scroll_all
from indexer.ports import VectorStore


class JobState(StrEnum):
    """READING finds documents; INDEXING has found them all; then one of the last two."""

    READING = "reading"
    INDEXING = "indexing"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Tally:
    """What a job met that leaves no trace of its own in the ledger.

    documents: files looked at; unchanged: not read again; known: contents that were there already;
    moved: files found under another name; missing: files that are gone; pruned: assets removed.
    Of imported vectors: how many rows had one that was taken, how many matched no asset, and how
    many could not be used.
    """

    documents: int = 0
    unchanged: int = 0
    known: int = 0
    moved: int = 0
    missing: int = 0
    pruned: int = 0
    vectors: int = 0
    unmatched: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """What a job was asked to read, kept so that an interrupted one can start again."""

    location: str
    exclude: Sequence[str] = ()
    labels: bool = False
    prune: bool = False
    copy: bool = False
    text: str | None = None
    image: str | None = None
    id: str | None = None
    metadata: Sequence[str] | None = None
    space: str | None = None
    match: str | None = None
    vector: str | None = None
    ids: str | None = None
    replace: bool = False
    """The last five are for vectors to import: into which Space, and how their rows are named."""


@dataclass(frozen=True, slots=True)
class Job:
    """One request to ingest. `finished_at` is when reading ended; indexing is counted."""

    id: AssetId
    collection: str
    created_at: str
    request: Request | None = None
    finished_at: str | None = None
    error: Reason | None = None
    tally: Tally = field(default_factory=Tally)
    remarks: Sequence[str] = ()
    """Examples of rows that were left out, and why; the tally counts them all."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A job with its counts, as of now."""

    job: Job
    state: JobState
    totals: Totals


def start(store: VectorStore, collection: str, request: Request | None = None) -> Job:
    """Write a new job into the ledger."""
    job = Job(str(uuid.uuid4()), collection, now(), request)
    store.insert(collection, [Point(job.id, _payload(job))])
    return job


def save(store: VectorStore, job: Job) -> None:
    """Write the job's present tally."""
    store.set_payload(job.collection, {job.id: _payload(job)})


def finish(store: VectorStore, job: Job, error: Reason | None = None) -> Job:
    """Note that reading ended, well or with an error that stopped it; durable on return."""
    ended = replace(job, finished_at=now(), error=error)
    save(store, ended)
    store.flush(job.collection)
    return ended


def get(store: VectorStore, collection: str, id: AssetId) -> Job:
    """Raises `JobNotFound`."""
    points = store.get(collection, [id])
    if not points or points[0].payload.get("entry") != Entry.JOB.value:
        raise JobNotFound(
            f"There is no job {id} in collection {collection!r}.", collection=collection, job=id
        )
    return _read(collection, points[0])


def all_jobs(store: VectorStore, collection: str) -> list[Job]:
    """Every job of the Collection, newest first."""
    points = scroll_all(store, collection, Equals("entry", Entry.JOB.value))
    jobs = [_read(collection, point) for point in points]
    return sorted(jobs, key=lambda job: (job.created_at, job.id), reverse=True)


def unfinished(store: VectorStore, collection: str) -> list[Job]:
    """Jobs whose reading was interrupted and can start again."""
    return [
        job
        for job in all_jobs(store, collection)
        if job.finished_at is None and job.request is not None
    ]


def progress(store: VectorStore, job: Job) -> Progress:
    """The job with its counts and the state they amount to."""
    totals = collections.totals(store, job.collection, Equals("job", job.id))
    if job.finished_at is None:
        state = JobState.READING
    elif job.error is not None:
        state = JobState.FAILED
    else:
        state = JobState.INDEXING if totals.pending else JobState.DONE
    return Progress(job, state, totals)


def failures(
    store: VectorStore, collection: str, job: AssetId | None = None, *, limit: int = 100
) -> list[tuple[str, Reason]]:
    """Paths that failed or were skipped, with the reason, at most `limit`.

    For the whole Collection also indexed assets that lack a Space's vector, with why.
    """
    found: list[tuple[str, Reason]] = []
    condition: Filter | None = (
        Any((collections.FAILED_OR_SKIPPED, has_gap()))
        if job is None
        else all_of(collections.FAILED_OR_SKIPPED, Equals("job", job))
    )
    fields = ("path", "sources", "reason", "status", "gaps")
    for point in scroll_all(store, collection, condition, fields=fields):
        if len(found) >= limit:
            break
        found.append((_path(point), _why(point.payload)))
    return found


def _why(payload: Payload) -> Reason:
    gaps = cast("Mapping[str, Mapping[str, str]]", payload.get("gaps") or {})
    if payload.get("status") != Status.INDEXED.value or not gaps:
        return _reason(payload)
    told = [f"No vector in space {space}: {why['message']}" for space, why in gaps.items()]
    return Reason(next(iter(gaps.values()))["code"], " ".join(told))


def _path(point: StoredPoint) -> str:
    if "path" in point.payload:
        return str(point.payload["path"])
    sources = cast("list[Mapping[str, object]]", point.payload.get("sources") or [{}])
    path, page = sources[0].get("path", point.id), sources[0].get("page")
    return f"{path} (page {page})" if page is not None else str(path)


def _payload(job: Job) -> dict[str, object]:
    return {
        "entry": Entry.JOB.value,
        "created_at": job.created_at,
        "finished_at": job.finished_at,
        "reason": reason_payload(job.error),
        "request": _request_payload(job.request),
        "tally": asdict(job.tally),
        "remarks": list(job.remarks),
    }


def _request_payload(request: Request | None) -> dict[str, object] | None:
    if request is None:
        return None
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in asdict(request).items()
        if value is not None
    }


def _read(collection: str, point: StoredPoint) -> Job:
    payload = point.payload
    request = cast("Mapping[str, object] | None", payload.get("request"))
    finished = payload.get("finished_at")
    return Job(
        id=point.id,
        collection=collection,
        created_at=str(payload.get("created_at", "")),
        request=_read_request(request) if request else None,
        finished_at=str(finished) if finished else None,
        error=_reason(payload) if payload.get("reason") else None,
        tally=Tally(**cast("dict[str, int]", payload.get("tally") or {})),
        remarks=tuple(cast("list[str]", payload.get("remarks") or [])),
    )


def _read_request(raw: Mapping[str, object]) -> Request:
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()}
    return Request(**values)  # type: ignore[arg-type]  # written by _request_payload alone


def _reason(payload: Payload) -> Reason:
    raw = cast("Mapping[str, str]", payload.get("reason") or {})
    return Reason(raw.get("code", ""), raw.get("message", ""))
