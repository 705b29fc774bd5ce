"""Jobs as server-sent events. Each stream reads the ledger, so any process can serve it."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Header, HTTPException
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import ServerSentEvent

from api.deps import COLLECTION, STORE, Serving
from api.errors import body_of
from api.schemas.jobs import JobTold
from indexer import jobs
from indexer.domain import AssetId
from indexer.errors import SemblanceError
from indexer.jobs import ENDED, Job

SECONDS_BETWEEN = 0.5
"""Between two looks at a job. Followers of the same one share each look."""

_SECONDS_OF_ENDED = 10.0
"""A job that has ended changes only if somebody tries it again."""

_NEWEST = 20
_RETRY_MILLISECONDS = 2000
_END = "end"


def not_seen_to_the_end(
    collection: COLLECTION,
    id: str,
    store: STORE,
    last_event_id: Annotated[str | None, Header()] = None,
) -> None:
    """Answer 204 to an EventSource that comes again after the end: it then stays away."""
    if last_event_id != _END:
        return
    if jobs.progress(store, jobs.named(store, collection, id)).state in ENDED:
        raise HTTPException(204)


async def of_job(serving: Serving, job: Job) -> AsyncIterator[ServerSentEvent]:
    """`progress` at first and whenever something changes, then `end`; or `error`."""
    last = ""
    while not serving.closing.is_set():
        try:
            told = await run_in_threadpool(_latest, serving, job.collection, job.id)
        except SemblanceError as error:
            yield _error(error)
            return
        if (id := _id(told)) != last:
            yield _progress(told, id, first=not last)
            last = id
        if told.state in ENDED:
            yield ServerSentEvent(event="end", data=told, id=_END)
            return
        await asyncio.sleep(SECONDS_BETWEEN)


async def of_collection(serving: Serving, collection: str) -> AsyncIterator[ServerSentEvent]:
    """`progress` for each of the newest jobs at first, the oldest of them first; then for each
    that changes. Ends with the server, or with `error`."""
    seen: dict[AssetId, str] = {}
    while not serving.closing.is_set():
        try:
            newest = await run_in_threadpool(_newest, serving, collection)
        except SemblanceError as error:
            yield _error(error)
            return
        for told in reversed(newest):
            if (id := _id(told)) != seen.get(told.id):
                yield _progress(told, id, first=not seen)
                seen[told.id] = id
        await asyncio.sleep(SECONDS_BETWEEN)


def _latest(serving: Serving, collection: str, id: AssetId) -> JobTold:
    store = serving.engine.store
    return serving.moments.of(
        (collection, id),
        lambda: JobTold.of(jobs.progress(store, jobs.get(store, collection, id))),
        lambda _: SECONDS_BETWEEN,
    )


def _newest(serving: Serving, collection: str) -> list[JobTold]:
    store = serving.engine.store

    def told(job: Job) -> JobTold:
        # The whole job is the key: one that is tried again is another one, and counted at once.
        return serving.moments.of(
            job,
            lambda: JobTold.of(jobs.progress(store, job)),
            lambda it: _SECONDS_OF_ENDED if it.state in ENDED else SECONDS_BETWEEN,
        )

    return serving.moments.of(
        collection,
        lambda: [told(job) for job in jobs.all_jobs(store, collection)[:_NEWEST]],
        lambda _: SECONDS_BETWEEN,
    )


def _progress(told: JobTold, id: str, *, first: bool) -> ServerSentEvent:
    retry = _RETRY_MILLISECONDS if first else None
    return ServerSentEvent(event="progress", data=told, id=id, retry=retry)


def _error(error: SemblanceError) -> ServerSentEvent:
    # The answer has begun: no status can be sent any more.
    return ServerSentEvent(event="error", data=body_of(error))


def _id(told: JobTold) -> str:
    return f"{zlib.crc32(told.model_dump_json().encode()):08x}"
