"""Tables of analyses: read row by row, with the assets that rows name, and as files."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from api.deps import ENGINE
from api.routes.analyses import ANALYSIS
from api.schemas.analyses import Rows
from api.schemas.assets import AssetTold
from indexer.analysis import artefacts, rows
from indexer.analysis.entry import Analysis
from indexer.build import Engine
from indexer.content import blocks_of
from indexer.domain import AssetId
from indexer.errors import InvalidInput
from indexer.ledger import PAGE, asset_from

router = APIRouter(prefix="/collections/{collection}/analyses", tags=["analyses"])


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
    if (column is None) != (value is None):
        raise InvalidInput("Give `column` and `value` together: only rows with that value there.")
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
