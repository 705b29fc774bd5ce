"""One asset or many: listed, looked at, described anew, deleted; their bytes and thumbnails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import Annotated, BinaryIO
from urllib.parse import quote

import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from api.deps import COLLECTION, ENGINE, SERVING, STORE
from api.schemas.assets import AssetPage, AssetTold, Deleted, Description, Ids
from indexer import assets, collections
from indexer.build import Engine
from indexer.content import blocks_of
from indexer.domain import Asset, Kind, Status
from indexer.filter_json import parse_filter_text
from indexer.filters import Equals, all_of

router = APIRouter(prefix="/collections/{collection}/assets", tags=["assets"])

SANDBOX = "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; sandbox"
"""What was stored may be hostile: no script in it runs, and it is in no origin of ours."""

_NO_SCRIPT = "default-src 'none'; style-src 'unsafe-inline'"
_FOR_EVER = "private, max-age=31536000, immutable"


@router.get("")
def list_assets(
    collection: COLLECTION,
    store: STORE,
    filter: Annotated[str | None, Query(description="A filter as JSON.")] = None,
    kind: Kind | None = None,
    status: Status | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[str | None, Query(description="The `after` of the page before.")] = None,
) -> AssetPage:
    """List assets page by page, in the order of their ids."""
    condition = all_of(
        Equals("kind", kind.value) if kind is not None else None,
        Equals("status", status.value) if status is not None else None,
        parse_filter_text(filter),
    )
    page, following = assets.list_assets(store, collection, condition, limit=limit, after=after)
    return AssetPage(assets=[AssetTold.of(collection, asset) for asset in page], after=following)


@router.post("/delete")
def delete_assets(collection: COLLECTION, ids: Ids, engine: ENGINE) -> Deleted:
    """Remove assets from the collection; files that were indexed in place stay where they are."""
    collections.get(engine.store, collection)
    return Deleted(deleted=assets.delete(engine.store, engine.blobs, collection, ids.ids))


@router.get("/{id}")
def describe_asset(collection: COLLECTION, id: str, store: STORE) -> AssetTold:
    """Tell all that is known of an asset."""
    return AssetTold.of(collection, assets.get_asset(store, collection, id))


@router.patch("/{id}")
def change_asset(
    collection: COLLECTION, id: str, description: Description, store: STORE
) -> AssetTold:
    """Change an asset's metadata: keys given are set, null removes one."""
    changed = assets.describe(store, collection, id, description.metadata)
    return AssetTold.of(collection, changed)


@router.delete("/{id}", status_code=204)
def delete_asset(collection: COLLECTION, id: str, engine: ENGINE) -> None:
    """Remove one asset."""
    assets.get_asset(engine.store, collection, id)
    assets.delete(engine.store, engine.blobs, collection, [id])


@router.get(
    "/{id}/content",
    response_class=Response,
    responses={200: {"content": {"*/*": {}}, "description": "The original bytes"}},
)
async def read_content(collection: COLLECTION, id: str, serving: SERVING) -> Response:
    """The original picture or PDF, or the passage as plain text."""
    read = partial(_content, serving.engine, collection, id)
    return await anyio.to_thread.run_sync(read, limiter=serving.originals)


def _content(engine: Engine, collection: str, id: str) -> Response:
    asset = assets.get_asset(engine.store, collection, id)
    file = assets.content(engine.blobs, asset)
    media_type = _media_type(asset)
    # Browsers show no PDF in a sandbox; their viewers run in an origin of their own anyway.
    policy = _NO_SCRIPT if media_type == "application/pdf" else SANDBOX
    headers = {
        "Content-Security-Policy": policy,
        "Content-Disposition": _disposition(asset),
        "Cache-Control": _FOR_EVER,
        "Content-Length": str(file.seek(0, os.SEEK_END)),
    }
    return StreamingResponse(_blocks(file), media_type=media_type, headers=headers)


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        file.seek(0)
        yield from blocks_of(file)


@router.get(
    "/{id}/thumbnail",
    response_class=Response,
    responses={
        200: {"content": {"image/webp": {}}, "description": "A WebP picture"},
        304: {"description": "The one you have is good"},
    },
)
async def read_thumbnail(
    collection: COLLECTION,
    id: str,
    serving: SERVING,
    request: Request,
    size: Annotated[int, Query(description="Longer side in pixels: 128, 256 or 512.")] = 256,
) -> Response:
    """A small WebP picture of an image; it never changes."""
    known = request.headers.get("if-none-match", "")
    make = partial(_thumbnail, serving.engine, collection, id, size, known)
    return await anyio.to_thread.run_sync(make, limiter=serving.originals)


def _thumbnail(engine: Engine, collection: str, id: str, size: int, known: str) -> Response:
    asset = assets.get_asset(engine.store, collection, id)
    tag = f'"{asset.id}-{size}"'
    headers = {"ETag": tag, "Cache-Control": _FOR_EVER}
    if tag in known:
        return Response(status_code=304, headers=headers)
    data = assets.thumbnail(engine.blobs, asset, size, engine.limits)
    return Response(data, media_type="image/webp", headers=headers)


def _media_type(asset: Asset) -> str:
    """What the bytes are served as; nothing that a browser would run as a page of ours."""
    if asset.kind is Kind.TEXT:
        return "text/plain; charset=utf-8"
    if asset.media_type.startswith("image/") or asset.media_type == "application/pdf":
        return asset.media_type
    return "application/octet-stream"


def _disposition(asset: Asset) -> str:
    path = asset.sources[0].path if asset.sources else asset.id
    name = path.replace("\\", "/").rpartition("/")[2] or asset.id
    if asset.kind is Kind.TEXT and not name.endswith(".txt"):
        name += ".txt"
    # RFC 6266: the encoded form alone, so that no character of a name ends up in the header.
    return f"inline; filename*=UTF-8''{quote(name.encode('utf-8', 'replace'), safe='')}"
