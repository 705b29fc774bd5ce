"""All assets of a collection as one file, written while it is read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from api.deps import COLLECTION, STORE
from api.schemas.assets import AssetTold
from indexer import collections
from indexer.domain import Asset
from indexer.filter_json import parse_filter_text
from indexer.filters import Filter
from indexer.ledger import PAGE, asset_from, assets_where
from indexer.ports import VectorStore

router = APIRouter(prefix="/collections/{collection}", tags=["assets"])

_COLUMNS = (
    "id", "kind", "status", "path", "uri", "page", "row", "start", "end", "sources", "media_type",
    "bytes", "width", "height", "text", "added_at", "indexed_at", "reason", "metadata",
)  # fmt: skip


class Format(StrEnum):
    """How the file is written."""

    CSV = "csv"
    JSONL = "jsonl"


_MEDIA_TYPES = {Format.CSV: "text/csv; charset=utf-8", Format.JSONL: "application/x-ndjson"}


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {"text/csv": {}, "application/x-ndjson": {}},
            "description": "One line an asset",
        }
    },
)
def export(
    collection: COLLECTION,
    store: STORE,
    format: Format = Format.JSONL,
    filter: Annotated[str | None, Query(description="A filter as JSON.")] = None,
) -> StreamingResponse:
    """Write all assets with their metadata as JSON Lines or CSV."""
    fields = collections.get(store, collection).fields
    pages = _pages(store, collection, parse_filter_text(filter))
    if format is Format.CSV:
        lines = _csv(pages, [f"metadata.{name}" for name in fields])
    else:
        lines = _jsonl(collection, pages)
    name = quote(f"{collection}.{format.value}", safe="")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return StreamingResponse(lines, media_type=_MEDIA_TYPES[format], headers=headers)


def _pages(store: VectorStore, collection: str, filter: Filter | None) -> Iterator[list[Asset]]:
    after: str | None = None
    while True:
        points, after = store.scroll(collection, assets_where(filter), limit=PAGE, after=after)
        yield [asset_from(point.id, point.payload) for point in points]
        if after is None:
            return


def _jsonl(collection: str, pages: Iterator[list[Asset]]) -> Iterator[str]:
    for page in pages:
        yield "".join(f"{AssetTold.of(collection, asset).model_dump_json()}\n" for asset in page)


def _csv(pages: Iterator[list[Asset]], fields: list[str]) -> Iterator[str]:
    """A column for each indexed metadata field, and `metadata` with all of it as JSON."""
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, [*_COLUMNS, *fields])
    writer.writeheader()
    for page in pages:
        writer.writerows(_row(asset, fields) for asset in page)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _row(asset: Asset, fields: list[str]) -> dict[str, object]:
    source = asset.sources[0] if asset.sources else None
    row: dict[str, object] = {
        "sources": len(asset.sources),
        "reason": asset.reason.message if asset.reason is not None else None,
        "metadata": json.dumps(asset.metadata, ensure_ascii=False) if asset.metadata else None,
    }
    for name in ("path", "uri", "page", "row", "start", "end"):
        row[name] = getattr(source, name, None)
    for name in _COLUMNS:
        if name not in row:
            row[name] = getattr(asset, name)
    for field in fields:
        row[field] = _cell(asset.metadata, field.removeprefix("metadata.").split("."))
    return row


def _cell(value: object, steps: list[str]) -> object:
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
