"""Jobs: a location is indexed; how far it is, what failed; it is cancelled or tried again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api import job_events
from api.auth import CALLER, allowed_path
from api.deps import COLLECTION, SERVING, STORE, Serving
from api.schemas.jobs import FailureTold, JobRetried, JobTold, Location
from indexer import cancelling, collections, jobs
from indexer.adding import start_location
from indexer.domain import AssetId
from indexer.failures import failures
from indexer.jobs import Job
from indexer.ports import VectorStore
from indexer.retrying import retry_job

router = APIRouter(prefix="/collections/{collection}", tags=["jobs"])


def job_of(collection: COLLECTION, id: str, store: STORE) -> Job:
    """The job in the path, whose id may be shortened.

    Raises `CollectionNotFound`, `JobNotFound`, `InvalidInput` if several ids begin so.
    """
    collections.get(store, collection)
    return jobs.named(store, collection, id)


JOB = Annotated[Job, Depends(job_of)]
CODE = Annotated[str | None, Query(description="Only those with this reason code.", min_length=1)]
AFTER = Annotated[
    str | None, Query(description="The `id` of the last one you have, for those that follow it.")
]


@router.post("/index", status_code=202)
def index(collection: COLLECTION, location: Location, serving: SERVING, who: CALLER) -> JobTold:
    """Start to index a file or folder on the server; reading goes on in the background."""
    return start_job(serving, collection, location, who)


@router.get("/jobs")
def list_jobs(
    collection: COLLECTION, store: STORE, limit: Annotated[int, Query(ge=1, le=1000)] = 50
) -> list[JobTold]:
    """List jobs, newest first."""
    collections.get(store, collection)
    return [_told(store, job) for job in jobs.all_jobs(store, collection)[:limit]]


def described(collection: COLLECTION, store: STORE) -> str:
    """The name in the path, checked before a stream begins. Raises `CollectionNotFound`."""
    return collections.get(store, collection).name


@router.get("/jobs/events", response_class=EventSourceResponse)
async def follow_jobs(
    collection: Annotated[str, Depends(described)], serving: SERVING
) -> AsyncIterator[ServerSentEvent]:
    """Follow all jobs: `progress` for each of the newest, then whenever one changes. Never ends.

    Comments keep the connection alive while nothing happens.
    """
    async for event in job_events.of_collection(serving, collection):
        yield event


@router.get("/jobs/{id}")
def describe_job(job: JOB, store: STORE) -> JobTold:
    """Tell how far a job has come. The id may be shortened, as in all calls about a job."""
    return _told(store, job)


@router.post("/jobs/{id}/cancel")
def cancel_job(job: JOB, store: STORE) -> JobTold:
    """Stop a job: reading ends, and what is pending is set aside. What is indexed stays."""
    return _told(store, cancelling.cancel(store, job))


@router.post("/jobs/{id}/retry", status_code=202)
def retry(job: JOB, serving: SERVING) -> JobRetried:
    """Try again what failed or was cancelled in a job, in the background."""
    store = serving.engine.store
    again = retry_job(store, job)
    if again.reading:
        serving.reading.start(again.job)
    serving.reading.requeue(job.collection)
    return JobRetried(retried=again.assets + again.documents, job=_told(store, again.job))


@router.get("/jobs/{id}/failures")
def list_job_failures(
    job: JOB,
    store: STORE,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
    after: AFTER = None,
    code: CODE = None,
) -> list[FailureTold]:
    """List what failed or was skipped in a job, and why; `reasons` of the job counts it."""
    return told_failures(store, job.collection, job.id, code, after, limit)


@router.get(
    "/jobs/{id}/events",
    response_class=EventSourceResponse,
    dependencies=[Depends(job_events.not_seen_to_the_end)],
    responses={204: {"description": "The end was seen already (Last-Event-ID)"}},
)
async def follow_job(job: JOB, serving: SERVING) -> AsyncIterator[ServerSentEvent]:
    """Follow a job: `progress` when it changes, then `end`; `error` if it cannot be followed.

    Comments keep the connection alive while nothing changes. An EventSource that is cut off
    comes again by itself, and is told when it has seen the end.
    """
    async for event in job_events.of_job(serving, job):
        yield event


def start_job(serving: Serving, collection: str, location: Location, who: CALLER) -> JobTold:
    """Check the path against what the caller may have read, and begin to read it."""
    settings = serving.engine.settings
    path = allowed_path(location.path, who, settings)
    job = start_location(serving.engine, collection, location.request(str(path)))
    serving.reading.start(job)
    return _told(serving.engine.store, job)


def told_failures(
    store: VectorStore,
    collection: str,
    job: AssetId | None,
    code: str | None,
    after: AssetId | None,
    limit: int,
) -> list[FailureTold]:
    """One page of failures."""
    found = failures(store, collection, job, code=code, after=after, limit=limit)
    return [FailureTold.of(failure) for failure in found]


def _told(store: VectorStore, job: Job) -> JobTold:
    return JobTold.of(jobs.progress(store, job))
