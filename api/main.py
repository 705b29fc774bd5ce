"""The HTTP application around an engine. Nothing happens at import, and there is no global app."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    nullcontext,
)
from functools import partial
from importlib.metadata import PackageNotFoundError, version

import anyio
from fastapi import APIRouter, Depends, FastAPI
from fastapi.concurrency import run_in_threadpool

from api import errors
from api.auth import caller
from api.border import Activity, Border
from api.deps import Serving
from api.metrics import ServerMetrics
from api.reaching import reaches
from api.reading import Reading
from api.routes import (
    adding,
    aliases,
    analyses,
    assets,
    backups,
    clusters,
    collections,
    duplicates,
    export,
    health,
    jobs,
    labels,
    maps,
    metrics,
    models,
    page,
    search,
    spaces,
    tables,
    workers,
)
from api.schemas.base import PROBLEMS
from api.upkeep import Upkeep
from api.warming import Warming
from api.watching import PREFIX, Watching
from indexer.build import Engine
from indexer.calibration import refresh
from worker.analysing import open_analyses
from worker.custody import Custody
from worker.queue import OpenQueue
from worker.tracing import Traces, open_traces

UPLOADS_AT_ONCE = 2
ORIGINALS_AT_ONCE = 4


def create_app(
    engine: Engine,
    queue: OpenQueue,
    *,
    token: str | None,
    custody: Custody | None = None,
    warm: bool = True,
    resume: bool = False,
) -> FastAPI:
    """The application over an open engine; at its end it closes the queue, and not the engine.

    `token` is the owner's; `custody` is for servers that share the store with others; `warm` loads
    the default model at once; `resume` takes up what an earlier process left unfinished.
    """
    serving = _serving(engine, queue, token, custody)
    traces = open_traces(engine.settings, "api")
    if traces is not None:
        engine.observers.add(traces)
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
        lifespan=lambda _: _running(serving, upkeep, traces, warm=warm, resume=resume),
    )
    app.state.serving = serving
    errors.install(app)
    app.add_middleware(Border, settings=engine.settings, activity=activity)
    app.add_middleware(Watching, metrics=serving.metrics, traces=traces)
    _add_routes(app)
    return app


def _serving(
    engine: Engine, queue: OpenQueue, token: str | None, custody: Custody | None
) -> Serving:
    return Serving(
        engine=engine,
        queue=queue,
        analyses=open_analyses(engine, queue),
        token=token,
        reading=Reading(engine, queue, custody),
        warming=Warming(engine.embedders, engine.settings.model),
        uploads=anyio.CapacityLimiter(UPLOADS_AT_ONCE),
        originals=anyio.CapacityLimiter(ORIGINALS_AT_ONCE),
        metrics=ServerMetrics(engine),
        reaches=reaches(engine),
    )


def _add_routes(app: FastAPI) -> None:
    v1 = APIRouter(prefix=PREFIX, dependencies=[Depends(caller)], responses=PROBLEMS)
    for part in (
        models,
        workers,
        collections,
        aliases,
        backups,
        spaces,
        search,
        jobs,
        analyses,
        tables,
        clusters,
        duplicates,
        maps,
        labels,
        export,
    ):
        v1.include_router(part.router)
    for part in (adding, assets):
        v1.include_router(part.router)
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.include_router(v1)
    app.include_router(page.router)
    page.serve_page(app)


def _running(
    serving: Serving, upkeep: Upkeep, traces: Traces | None, *, warm: bool, resume: bool
) -> AbstractAsyncContextManager[None]:
    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        if warm:
            serving.warming.start()
        if resume:
            serving.reading.resume()
            serving.take_up_analyses()
        upkeep.start()
        try:
            with _tasks_carrying(serving.engine, traces):
                yield
        finally:
            serving.closing.set()
            await run_in_threadpool(serving.analyses.close)
            serving.reading.stop()
            # Closing the queue frees whoever waits for a place in it, uploads included.
            await run_in_threadpool(serving.queue.close)
            await run_in_threadpool(serving.reading.wait)
            await run_in_threadpool(upkeep.close)
            if traces is not None:
                await run_in_threadpool(traces.close)

    return running()


def _tasks_carrying(engine: Engine, traces: Traces | None) -> AbstractContextManager[None]:
    """Where jobs go through Celery, let them carry what they belong to."""
    if engine.settings.redis_url is None:
        return nullcontext()
    from worker.travelling import travelling

    return travelling(traces)


def _version() -> str:
    try:
        return version("semblance")
    except PackageNotFoundError:
        return "0"  # run from a checkout that was never installed
