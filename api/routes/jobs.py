"""Jobs: a location is indexed, and how far it has come is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api.auth import CALLER, allowed_path
from api.deps import SERVING, STORE, Serving
from api.errors import body_of
from api.schemas.jobs import FailureTold, JobTold, Location
from indexer import collections, jobs
from indexer.adding import start_location
from indexer.errors import SemblanceError
from indexer.jobs import Job, JobState
from indexer.ports import VectorStore

router = APIRouter(prefix="/collections/{collection}", tags=["jobs"])

SECONDS_BETWEEN = 0.5
_ENDED = (JobState.DONE, JobState.FAILED)


def job_of(collection: str, id: str, store: STORE) -> Job:
    """The job in the path. Raises `CollectionNotFound`, `JobNotFound`."""
    collections.get(store, collection)
    return jobs.get(store, collection, id)


JOB = Annotated[Job, Depends(job_of)]


@router.post("/index", status_code=202)
def index(collection: str, location: Location, serving: SERVING, who: CALLER) -> JobTold:
    """Start to index a file or folder on the server; reading goes on in the background."""
    return start_job(serving, collection, location, who)


@router.get("/jobs")
def list_jobs(
    collection: str, store: STORE, limit: Annotated[int, Query(ge=1, le=1000)] = 50
) -> list[JobTold]:
    """List jobs, newest first."""
    collections.get(store, collection)
    return [_told(store, job) for job in jobs.all_jobs(store, collection)[:limit]]


@router.get("/jobs/{id}")
def describe_job(job: JOB, store: STORE) -> JobTold:
    """Tell how far a job has come."""
    return _told(store, job)


@router.get("/jobs/{id}/failures")
def list_job_failures(
    job: JOB, store: STORE, limit: Annotated[int, Query(ge=1, le=10_000)] = 100
) -> list[FailureTold]:
    """List what failed or was skipped in a job, and why."""
    failures = jobs.failures(store, job.collection, job.id, limit=limit)
    return [FailureTold.of(path, reason) for path, reason in failures]


@router.get("/jobs/{id}/events", response_class=EventSourceResponse)
async def follow_job(job: JOB, serving: SERVING) -> AsyncIterator[ServerSentEvent]:
    """Follow a job: `progress` twice a second, then `end`; `error` if it cannot be followed."""
    store = serving.engine.store
    while not serving.closing.is_set():
        try:
            told = await run_in_threadpool(_latest, store, job)
        except SemblanceError as error:
            # The answer has begun: no status can be sent any more.
            yield ServerSentEvent(event="error", data=body_of(error))
            return
        yield ServerSentEvent(event="progress", data=told)
        if told.state in _ENDED:
            yield ServerSentEvent(event="end", data=told)
            return
        await asyncio.sleep(SECONDS_BETWEEN)


def start_job(serving: Serving, collection: str, location: Location, who: CALLER) -> JobTold:
    """Check the path against what the caller may have read, and begin to read it."""
    settings = serving.engine.settings
    path = allowed_path(location.path, who, settings)
    job = start_location(serving.engine, collection, location.request(str(path)))
    serving.reading.start(job)
    return _told(serving.engine.store, job)


def _latest(store: VectorStore, job: Job) -> JobTold:
    return _told(store, jobs.get(store, job.collection, job.id))


def _told(store: VectorStore, job: Job) -> JobTold:
    return JobTold.of(jobs.progress(store, job))
