"""Analyses: asked for, listed, told, run again, cancelled, deleted."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Depends, Query, Response
from fastapi.concurrency import run_in_threadpool

from api.auth import CALLER, Caller, allowed_path
from api.deps import COLLECTION, ENGINE, SERVING, STORE, Serving
from api.schemas.analyses import AnalysisAsked, AnalysisTold, asked_model
from indexer import collections
from indexer.analysis import asking, entries, running
from indexer.analysis.asking import Asked
from indexer.analysis.entry import ENDED, Analysis
from indexer.analysis.method import Method
from indexer.analysis.registry import METHODS
from indexer.analysis.staleness import Counting
from indexer.errors import NotFound
from indexer.ports import VectorStore
from indexer.settings import Settings

router = APIRouter(prefix="/collections/{collection}/analyses", tags=["analyses"])

_LOOK_SECONDS = 0.05

_ENDED_IN_TIME: dict[int | str, dict[str, Any]] = {
    201: {"model": AnalysisTold, "description": "It has ended"}
}

WAIT = Annotated[
    float,
    Query(ge=0, le=60, description="Seconds to wait for its end before it is told as it is."),
]


def analysis_of(collection: COLLECTION, id: str, store: STORE) -> Analysis:
    """The analysis in the path, whose id may be shortened.

    Raises `CollectionNotFound`, `AnalysisNotFound`, `InvalidInput` if several ids begin so.
    """
    collections.get(store, collection)
    return entries.named(store, collection, id)


ANALYSIS = Annotated[Analysis, Depends(analysis_of)]


def _add_analysis(method: Method) -> None:
    """A route of its own for each analysis: its parameters are in the API's document."""

    async def analyse(
        collection: COLLECTION,
        asked: AnalysisAsked,
        serving: SERVING,
        who: CALLER,
        response: Response,
        wait: WAIT = 3.0,
    ) -> AnalysisTold:
        begin = lambda: _begin(serving, collection, method, asked, who)  # noqa: E731
        return await started(serving, begin, response, wait)

    analyse.__annotations__["asked"] = asked_model(method)
    router.add_api_route(
        f"/{method.name}",
        analyse,
        methods=["POST"],
        status_code=202,
        name=f"analyse {method.name}",
        operation_id=f"analyse_{method.name}",
        summary=method.promise,
        description=f"{method.promise} Answers 201 with the result if it is there in time, else "
        "202: then ask for it by its id.",
        response_model=AnalysisTold,
        responses=_ENDED_IN_TIME,
    )


for _method in METHODS.values():
    _add_analysis(_method)


@router.post("/{name}", include_in_schema=False)
def analyse_unknown(name: str) -> None:
    """Say which analyses there are. Raises `NotFound`."""
    known = ", ".join(METHODS)
    raise NotFound(f"There is no analysis called {name!r}. There are: {known}.", name=name)


@router.get("")
def list_analyses(
    collection: COLLECTION,
    store: STORE,
    name: Annotated[str | None, Query(description="Only these.", examples=["outliers"])] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> list[AnalysisTold]:
    """List analyses, newest first."""
    collections.get(store, collection)
    count = Counting(store)
    return [
        AnalysisTold.of(one, count.staleness(one))
        for one in entries.every(store, collection, name)[:limit]
    ]


@router.get("/{id}")
def describe_analysis(analysis: ANALYSIS, store: STORE) -> AnalysisTold:
    """Tell how far an analysis is, or what came of it, and whether it is stale.

    The id may be shortened, as in all calls about an analysis.
    """
    return told(store, analysis)


@router.post("/{id}/cancel")
def cancel_analysis(analysis: ANALYSIS, store: STORE) -> AnalysisTold:
    """Stop an analysis at its next step; nothing of it is kept but that it was asked for."""
    return told(store, entries.cancel(store, analysis))


@router.post("/{id}/rerun", status_code=202, response_model=AnalysisTold, responses=_ENDED_IN_TIME)
async def rerun_analysis(
    analysis: ANALYSIS, serving: SERVING, who: CALLER, response: Response, wait: WAIT = 3.0
) -> AnalysisTold:
    """Do the same once more over what is there now; the former result stays beside it."""
    engine = serving.engine

    def begin() -> Analysis:
        asked = asking.as_before(analysis)
        return asking.ask(engine.store, analysis.collection, allowed(asked, who, engine.settings))

    return await started(serving, begin, response, wait)


@router.delete("/{id}", status_code=204)
def delete_analysis(analysis: ANALYSIS, engine: ENGINE) -> None:
    """Delete an analysis and its tables, for good; the assets are as they were."""
    running.remove(engine.access, analysis)


async def started(
    serving: Serving, begin: Callable[[], Analysis], response: Response, wait: float
) -> AnalysisTold:
    """Write an analysis into the ledger, have it run, and wait a while for its end."""
    store = serving.engine.store
    analysis = await run_in_threadpool(begin)
    await run_in_threadpool(serving.analyses.hand_over, analysis.collection, analysis.id)
    until = time.monotonic() + wait
    look: Callable[[], Awaitable[Analysis]] = lambda: run_in_threadpool(  # noqa: E731
        entries.get, store, analysis.collection, analysis.id
    )
    while (
        analysis.state not in ENDED
        and time.monotonic() < until
        and not serving.closing.is_set()  # or its id would be lost with the connection
    ):
        await anyio.sleep(_LOOK_SECONDS)
        analysis = await look()
    if analysis.state in ENDED:
        response.status_code = 201
    return await run_in_threadpool(told, store, analysis)


def told(store: VectorStore, analysis: Analysis) -> AnalysisTold:
    """The analysis as the API tells it."""
    return AnalysisTold.of(analysis, Counting(store).staleness(analysis))


def _begin(
    serving: Serving, collection: str, method: Method, asked: AnalysisAsked, who: Caller
) -> Analysis:
    engine = serving.engine
    request = allowed(asked.asked(method.name), who, engine.settings)
    return asking.ask(engine.store, collection, request)


def allowed(asked: Asked, who: Caller, settings: Settings) -> Asked:
    """The same with each path that it names resolved. Raises `Forbidden` if one is not allowed."""
    parameters = dict(asked.parameters or {})
    for field in asking.method_named(asked.name).parameters.paths:
        if parameters.get(field) is not None:
            parameters[field] = str(allowed_path(str(parameters[field]), who, settings))
    return replace(asked, parameters=parameters)
