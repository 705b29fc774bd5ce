"""Analyses: asked for, listed, looked at row by row, exported, run again, cancelled, deleted."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote

import anyio
from fastapi import APIRouter, Depends, Query, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from api.auth import CALLER, Caller, allowed_path
from api.deps import COLLECTION, ENGINE, SERVING, STORE, Serving
from api.schemas.analyses import AnalysisAsked, AnalysisTold, Rows, asked_model
from api.schemas.assets import AssetTold
from indexer import collections
from indexer.analysis import artefacts, asking, entries, rows, running
from indexer.analysis.entry import ENDED, Analysis
from indexer.analysis.method import Method
from indexer.analysis.registry import METHODS
from indexer.analysis.staleness import staleness
from indexer.build import Engine
from indexer.content import blocks_of
from indexer.domain import AssetId
from indexer.errors import NotFound
from indexer.ledger import PAGE, asset_from
from indexer.ports import VectorStore

router = APIRouter(prefix="/collections/{collection}/analyses", tags=["analyses"])

_LOOK_SECONDS = 0.05

WAIT = Annotated[
    float,
    Query(ge=0, le=60, description="Seconds to wait for its end before it is told as it is."),
]


class Format(StrEnum):
    """How a table is written."""

    PARQUET = "parquet"
    CSV = "csv"
    JSONL = "jsonl"
    ARROW = "arrow"


_MEDIA_TYPES = {
    Format.PARQUET: "application/vnd.apache.parquet",
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSONL: "application/x-ndjson",
    Format.ARROW: "application/vnd.apache.arrow.stream",
}
_WRITERS = {Format.CSV: rows.as_csv, Format.JSONL: rows.as_lines, Format.ARROW: rows.as_arrow}


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
        responses={201: {"model": AnalysisTold, "description": "It has ended"}},
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
    return [told(store, one) for one in entries.every(store, collection, name)[:limit]]


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


@router.post("/{id}/rerun", status_code=202, response_model=AnalysisTold)
async def rerun_analysis(
    analysis: ANALYSIS, serving: SERVING, response: Response, wait: WAIT = 3.0
) -> AnalysisTold:
    """Do the same once more over what is there now; the former result stays beside it."""
    store = serving.engine.store
    return await started(serving, lambda: asking.again(store, analysis), response, wait)


@router.delete("/{id}", status_code=204)
def delete_analysis(analysis: ANALYSIS, engine: ENGINE) -> None:
    """Delete an analysis and its tables, for good; the assets are as they were."""
    running.remove(engine.access, analysis)


@router.get("/{id}/tables/{table}")
def read_table(
    analysis: ANALYSIS,
    table: str,
    engine: ENGINE,
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
    column: Annotated[str | None, Query(description="Only rows with `value` in here.")] = None,
    value: Annotated[str | None, Query()] = None,
    order: Annotated[str | None, Query(description="A column to order by.")] = None,
    descending: bool = False,
    columns: Annotated[list[str] | None, Query(description="Only these.")] = None,
    assets: Annotated[bool, Query(description="Tell the assets that the rows name, too.")] = False,
) -> Rows:
    """Read rows of a table, in its own order or by a column; all, or those with a value."""
    choice = rows.Choice(offset, limit, column, value, order, descending, columns or ())
    page = rows.page(engine.blobs, analysis, table, choice)
    return Rows(
        total=page.total,
        columns={field.name: str(field.type) for field in page.rows.schema},
        rows=rows.as_json(page.rows),
        assets=named(engine, analysis.collection, page.rows) if assets else {},
    )


@router.get(
    "/{id}/tables/{table}/file",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {media_type.split(";")[0]: {} for media_type in _MEDIA_TYPES.values()},
            "description": "The table",
        }
    },
)
def download_table(
    analysis: ANALYSIS, table: str, engine: ENGINE, format: Format = Format.PARQUET
) -> StreamingResponse:
    """Get a whole table as a file. Parquet is as it is kept, and says what it is in its schema."""
    if format is Format.PARQUET:
        body = _blocks(engine, analysis, table)
    else:
        body = _WRITERS[format](artefacts.load(engine.blobs, analysis, table))
    name = quote(f"{analysis.request.name}-{table}.{format.value}", safe="")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return StreamingResponse(body, media_type=_MEDIA_TYPES[format], headers=headers)


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
    while analysis.state not in ENDED and time.monotonic() < until:
        await anyio.sleep(_LOOK_SECONDS)
        analysis = await look()
    if analysis.state in ENDED:
        response.status_code = 201
    return await run_in_threadpool(told, store, analysis)


def told(store: VectorStore, analysis: Analysis) -> AnalysisTold:
    """The analysis as the API tells it."""
    return AnalysisTold.of(analysis, staleness(store, analysis))


def _begin(
    serving: Serving, collection: str, method: Method, asked: AnalysisAsked, who: Caller
) -> Analysis:
    for field in method.parameters.paths:
        path = getattr(asked.parameters, field)
        if path is not None:
            allowed_path(path, who, serving.engine.settings)
    return asking.ask(serving.engine.store, collection, asked.asked(method.name))


def named(engine: Engine, collection: str, table: Any) -> dict[AssetId, AssetTold]:
    """The assets that the rows of a table name, by id; not those deleted since."""
    ids = rows.named_assets(table)
    found = {}
    for first in range(0, len(ids), PAGE):
        for point in engine.store.get(collection, ids[first : first + PAGE]):
            asset = asset_from(point.id, point.payload)
            found[asset.id] = AssetTold.of(collection, asset)
    return found


def _blocks(engine: Engine, analysis: Analysis, table: str) -> Iterator[bytes]:
    file = artefacts.original(engine.blobs, analysis, table)

    def read() -> Iterator[bytes]:
        with file:
            yield from blocks_of(file)

    return read()
