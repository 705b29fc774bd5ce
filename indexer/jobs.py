"""Jobs: what was asked for, how far it has come, what failed. All of it from the ledger."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from indexer import collections, pace, shortened
from indexer.collections import Totals
from indexer.domain import AssetId, Entry, Point, Reason, StoredPoint
from indexer.errors import JobNotFound
from indexer.filters import Equals, Exists, Filter, Not, all_of
from indexer.ledger import now, reason_from, reason_payload, scroll_all
from indexer.ports import VectorStore


class JobState(StrEnum):
    """READING finds documents; INDEXING has found them all; then one of the last three."""

    READING = "reading"
    INDEXING = "indexing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


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
    """One request to ingest. Reading writes its tally and, at its end, `finished_at`; a person
    `cancelled_at`: none undoes what another wrote. How far indexing is, is counted."""

    id: AssetId
    collection: str
    created_at: str
    request: Request | None = None
    finished_at: str | None = None
    cancelled_at: str | None = None
    retried_at: str | None = None
    error: Reason | None = None
    tally: Tally = field(default_factory=Tally)
    remarks: Sequence[str] = ()
    """Examples of rows that were left out, and why; the tally counts them all."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A job with its counts, as of now.

    `rate` is assets settled per second of late (`indexer.pace`), None while that is not known and
    when the job has ended. `seconds_left` is told once reading has: before, the end is open.
    """

    job: Job
    state: JobState
    totals: Totals
    rate: float | None = None
    seconds_left: float | None = None


def start(store: VectorStore, collection: str, request: Request | None = None) -> Job:
    """Write a new job into the ledger."""
    job = Job(str(uuid.uuid4()), collection, now(), request)
    store.insert(collection, [Point(job.id, _payload(job))])
    return job


def save(store: VectorStore, job: Job) -> None:
    """Write how far reading has come, and nothing else: somebody may be cancelling the job."""
    store.set_payload(job.collection, {job.id: _tallied(job)})


def finish(store: VectorStore, job: Job, error: Reason | None = None) -> Job:
    """Note that reading ended, well or with an error that stopped it; durable on return."""
    ended = replace(job, finished_at=now(), error=error)
    end = {"finished_at": ended.finished_at, "reason": reason_payload(error)}
    store.set_payload(job.collection, {job.id: {**_tallied(ended), **end}})
    store.flush(job.collection)
    return ended


def get(store: VectorStore, collection: str, id: AssetId) -> Job:
    """Raises `JobNotFound`."""
    points = store.get(collection, [id])
    if not points or points[0].payload.get("entry") != Entry.JOB.value:
        raise _missing(collection, id)
    return _read(collection, points[0])


def named(store: VectorStore, collection: str, name: str) -> Job:
    """The job with this id, or the only one whose id begins so.

    Raises `JobNotFound`, and `InvalidInput` naming the candidates if there are several.
    """
    return shortened.named(
        "a job",
        name,
        lambda id: get(store, collection, id),
        lambda: all_jobs(store, collection),
        lambda id: _missing(collection, id),
    )


def all_jobs(store: VectorStore, collection: str, condition: Filter | None = None) -> list[Job]:
    """Every job of the Collection, or those that fulfil the condition; newest first."""
    points = scroll_all(store, collection, all_of(Equals("entry", Entry.JOB.value), condition))
    jobs = [_read(collection, point) for point in points]
    return sorted(jobs, key=lambda job: (job.created_at, job.id), reverse=True)


def unfinished(store: VectorStore, collection: str, condition: Filter | None = None) -> list[Job]:
    """Jobs whose reading has not ended and that no person cancelled; newest first."""
    unended = all_of(Not(Exists("finished_at")), Not(Exists("cancelled_at")), condition)
    return all_jobs(store, collection, unended)


def progress(store: VectorStore, job: Job, *, at: datetime | None = None) -> Progress:
    """The job with its counts, the state they amount to, and its pace as of `at` (now)."""
    mine = Equals("job", job.id)
    totals = collections.totals(store, job.collection, mine)
    state = _state(job, totals)
    if state in ENDED:
        return Progress(job, state, totals)
    rate = pace.rate(store, job.collection, mine, job.retried_at or job.created_at, at=at)
    left = pace.seconds_left(totals.pending, rate) if state is JobState.INDEXING else None
    return Progress(job, state, totals, rate, left)


def _missing(collection: str, id: str) -> JobNotFound:
    told = f"There is no job {id} in collection {collection!r}."
    return JobNotFound(told, collection=collection, job=id)


def _state(job: Job, totals: Totals) -> JobState:
    if job.cancelled_at is not None:
        return JobState.CANCELLED
    if job.finished_at is None:
        return JobState.READING
    if job.error is not None:
        return JobState.FAILED
    return JobState.INDEXING if totals.pending else JobState.DONE


def _payload(job: Job) -> dict[str, object]:
    return {
        "entry": Entry.JOB.value,
        "created_at": job.created_at,
        "request": _request_payload(job.request),
        **_tallied(job),
    }


def _tallied(job: Job) -> dict[str, object]:
    return {"tally": asdict(job.tally), "remarks": list(job.remarks)}


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
    request = payload.get("request")

    def moment(key: str) -> str | None:
        return str(payload[key]) if payload.get(key) else None

    return Job(
        id=point.id,
        collection=collection,
        created_at=str(payload.get("created_at", "")),
        request=Request(**_known(Request, request)) if request else None,
        finished_at=moment("finished_at"),
        cancelled_at=moment("cancelled_at"),
        retried_at=moment("retried_at"),
        error=reason_from(payload.get("reason")),
        tally=Tally(**_known(Tally, payload.get("tally"))),
        remarks=tuple(cast("list[str]", payload.get("remarks") or [])),
    )


def _known(kind: type[Request] | type[Tally], raw: object) -> dict[str, Any]:
    """Values by name; not those that only a newer version of the program knows."""
    names = {one.name for one in fields(kind)}
    given = cast("Mapping[str, object]", raw or {}).items()
    return {key: tuple(v) if isinstance(v, list) else v for key, v in given if key in names}
