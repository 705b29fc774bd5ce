"""One asset or many: listed, looked at, described anew, deleted."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from indexer import collections, images
from indexer.blob_store import BlobStore
from indexer.departures import delete_assets
from indexer.domain import Asset, AssetId, Entry, Kind
from indexer.errors import AssetNotFound, InvalidInput, Unavailable, UnsupportedMedia
from indexer.filters import Filter
from indexer.ledger import asset_from, assets_where
from indexer.metadata import clean, field_types
from indexer.originals import open_original
from indexer.ports import VectorStore
from indexer.readers.found import Limits


def list_assets(
    store: VectorStore,
    collection: str,
    filter: Filter | None = None,
    *,
    limit: int = 100,
    after: AssetId | None = None,
) -> tuple[list[Asset], AssetId | None]:
    """One page of assets in id order, and where to continue (None at the end)."""
    collections.get(store, collection)
    if not 1 <= limit <= 1000:
        raise InvalidInput(f"A page holds 1 to 1000 assets, not {limit}.", limit=limit)
    points, following = store.scroll(collection, assets_where(filter), limit=limit, after=after)
    return [asset_from(point.id, point.payload) for point in points], following


def get_asset(store: VectorStore, collection: str, id: AssetId) -> Asset:
    """Raises `AssetNotFound`, `CollectionNotFound`."""
    collections.get(store, collection)
    points = store.get(collection, [id])
    if not points or points[0].payload.get("entry") != Entry.ASSET.value:
        raise AssetNotFound(f"There is no asset {id} in collection {collection!r}.", asset=id)
    return asset_from(id, points[0].payload)


def describe(
    store: VectorStore, collection_name: str, id: AssetId, changes: Mapping[str, object]
) -> Asset:
    """Change an asset's metadata: keys given are set, keys given as None are removed."""
    collection = collections.get(store, collection_name)
    asset = get_asset(store, collection_name, id)
    metadata = clean({**asset.metadata, **changes})
    collections.remember_fields(store, collection, field_types(metadata))
    store.set_payload(collection_name, {id: {"metadata": metadata or None}})
    store.flush(collection_name)
    return get_asset(store, collection_name, id)


def delete(store: VectorStore, blobs: BlobStore, collection: str, ids: Sequence[AssetId]) -> int:
    """Remove assets and the copies of their originals; files in place stay. Returns how many."""
    points = store.get(collection, ids)
    assets = [
        asset_from(point.id, point.payload)
        for point in points
        if point.payload.get("entry") == Entry.ASSET.value
    ]
    delete_assets(store, blobs, collection, assets)
    store.flush(collection)
    return len(assets)


def content(blobs: BlobStore, asset: Asset) -> BinaryIO:
    """The original picture, or the passage as UTF-8, as a seekable file."""
    if asset.kind is Kind.TEXT:
        return io.BytesIO((asset.text or "").encode())
    return open_original(blobs, asset)


def thumbnail(blobs: BlobStore, asset: Asset, size: int, limits: Limits) -> bytes:
    """A WebP picture whose longer side is at most `size` pixels; made once, then kept."""
    if asset.kind is not Kind.IMAGE:
        raise UnsupportedMedia(f"Asset {asset.id} is a text; only pictures have thumbnails.")
    if size not in images.THUMBNAIL_SIZES:
        raise InvalidInput(
            f"Thumbnails have {images.THUMBNAIL_SIZES} pixels, not {size}.", size=size
        )
    name = images.thumbnail_name(asset.id, size)
    kept = blobs.get_derived(name)
    if kept is not None:
        return kept
    with open_original(blobs, asset) as file:
        image = images.decode(file, page=asset.page, min_side=size, limits=limits)
    made = images.thumbnail(image, size)
    with contextlib.suppress(Unavailable):  # full or read-only: then it is made again next time
        blobs.put_derived(name, made)
    return made
