"""The HTTP application around an engine. Nothing happens at import, and there is no global app."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version

import anyio
from fastapi import APIRouter, Depends, FastAPI
from fastapi.concurrency import run_in_threadpool

from api import errors
from api.auth import caller
from api.border import Activity, Border
from api.deps import Serving
from api.reading import Reading
from api.routes import (
    adding,
    assets,
    backups,
    collections,
    export,
    health,
    jobs,
    models,
    page,
    search,
    spaces,
)
from api.schemas.base import PROBLEMS
from api.upkeep import Upkeep
from api.warming import Warming
from indexer.build import Engine
from indexer.calibration import refresh
from worker.queue import OpenQueue

UPLOADS_AT_ONCE = 2
ORIGINALS_AT_ONCE = 4


def create_app(
    engine: Engine,
    queue: OpenQueue,
    *,
    token: str | None,
    warm: bool = True,
    resume: bool = False,
) -> FastAPI:
    """The application over an open engine; at its end it closes the queue, and not the engine.

    `token` is the owner's; `warm` loads the default model at once; `resume` takes up what an
    earlier process left unfinished.
    """
    serving = _serving(engine, queue, token)
    activity = Activity()
    upkeep = Upkeep(
        engine.store,
        partial(refresh, engine.searcher.calibrator),
        lambda: serving.reading.active,
        activity.quiet_seconds,
    )
    app = FastAPI(
        title="Semblance",
        version=_version(),
        description="Semantic search over pictures and texts, on your own machine.",
        docs_url=None,
        redoc_url=None,
        lifespan=lambda _: _running(serving, upkeep, warm=warm, resume=resume),
    )
    app.state.serving = serving
    errors.install(app)
    app.add_middleware(Border, settings=engine.settings, activity=activity)
    _add_routes(app)
    return app


def _serving(engine: Engine, queue: OpenQueue, token: str | None) -> Serving:
    return Serving(
        engine=engine,
        queue=queue,
        token=token,
        reading=Reading(engine, queue),
        warming=Warming(engine.embedders, engine.settings.model),
        uploads=anyio.CapacityLimiter(UPLOADS_AT_ONCE),
        originals=anyio.CapacityLimiter(ORIGINALS_AT_ONCE),
    )


def _add_routes(app: FastAPI) -> None:
    v1 = APIRouter(prefix="/v1", dependencies=[Depends(caller)], responses=PROBLEMS)
    for part in (models, collections, backups, spaces, search, jobs, export, adding, assets):
        v1.include_router(part.router)
    app.include_router(health.router)
    app.include_router(v1)
    app.include_router(page.router)
    page.serve_page(app)


def _running(
    serving: Serving, upkeep: Upkeep, *, warm: bool, resume: bool
) -> AbstractAsyncContextManager[None]:
    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        if warm:
            serving.warming.start()
        if resume:
            serving.reading.resume()
        upkeep.start()
        try:
            yield
        finally:
            serving.closing.set()
            serving.reading.stop()
            # Closing the queue frees whoever waits for a place in it, uploads included.
            await run_in_threadpool(serving.queue.close)
            await run_in_threadpool(serving.reading.wait)
            await run_in_threadpool(upkeep.close)

    return running()


def _version() -> str:
    try:
        return version("semblance")
    except PackageNotFoundError:
        return "0"  # run from a checkout that was never installed
