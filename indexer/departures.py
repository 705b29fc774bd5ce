"""What happens when a file changes, moves or goes: its assets lose that source, or leave."""

from __future__ import annotations

import os
from collections.abc import Collection as Ids
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from indexer.analysis import entries
from indexer.batches import batches
from indexer.blob_store import BlobStore
from indexer.domain import (
    Asset,
    AssetId,
    Document,
    Entry,
    Kind,
    Payload,
    Source,
    Status,
    document_id,
)
from indexer.errors import StoreUnavailable
from indexer.filters import AnyOf, Equals
from indexer.images import THUMBNAIL_SIZES, thumbnail_name
from indexer.ledger import (
    PAGE,
    asset_from,
    assets_where,
    document_from,
    scroll_all,
    sources_payload,
)
from indexer.ports import VectorStore
from indexer.readers.uris import path_of

_FIELDS_OF_BYTES = ("kind", "status", "blob", "page", "sources")


@dataclass(frozen=True, slots=True)
class Departed:
    """A document whose file is gone; how many assets it gave, how many are nowhere else."""

    document: Document
    assets: int
    lost: int


def departed(store: VectorStore, collection: str, root: str, job: AssetId) -> Iterator[Departed]:
    """Documents at or below the root URI whose files are gone, as of the scan that `job` made."""
    rows = scroll_all(store, collection, Equals("entry", Entry.DOCUMENT.value))
    documents = {row.id: document_from(row.payload) for row in rows}
    for document in documents.values():
        if _below(document.uri, root) and _gone(document, documents, job):
            yield _departed(store, collection, document)


def drop_document(store: VectorStore, blobs: BlobStore, collection: str, document: Document) -> int:
    """Forget a document; assets found nowhere else are deleted. Returns how many were deleted."""
    deleted = drop_sources(store, blobs, collection, document.id, keep=())
    store.delete(collection, [document.id])
    return deleted


def drop_sources(
    store: VectorStore,
    blobs: BlobStore,
    collection: str,
    document: AssetId,
    *,
    keep: Ids[AssetId],
) -> int:
    """Take the document from the sources of all its assets but those in `keep`.

    Assets left with no source are deleted; returns how many.
    """
    condition = assets_where(Equals("documents", document))
    orphans: list[Asset] = []
    changes: dict[AssetId, Payload] = {}
    for point in scroll_all(store, collection, condition):
        if point.id in keep:
            continue
        asset = asset_from(point.id, point.payload)
        rest = [source for source in asset.sources if source.document != document]
        if rest:
            blob = _blob_after(asset, document, rest)
            changes[asset.id] = {**sources_payload(rest), "blob": blob}
        else:
            orphans.append(asset)
    if changes:
        store.set_payload(collection, changes)
    delete_assets(store, blobs, collection, orphans)
    return len(orphans)


def delete_assets(
    store: VectorStore, blobs: BlobStore, collection: str, assets: Sequence[Asset]
) -> None:
    """Remove assets: the points first, so that no point is left without its bytes."""
    if not assets:
        return
    ids = [asset.id for asset in assets]
    store.delete(collection, ids)
    _forget_bytes(store, blobs, assets)


def drop_collection(store: VectorStore, blobs: BlobStore, collection: str) -> None:
    """Remove a Collection, and the originals and thumbnails that no other one needs."""
    try:
        points = scroll_all(store, collection, assets_where(), fields=_FIELDS_OF_BYTES)
        assets = [asset_from(point.id, point.payload) for point in points]
        analyses = entries.every(store, collection)
        tables = [kept.blob for one in analyses for kept in one.tables.values()]
    except StoreUnavailable:
        assets, tables = [], []  # one that does not open can be dropped all the same
    store.drop_collection(collection)
    for batch in batches(assets, PAGE):
        _forget_bytes(store, blobs, batch)
    blobs.delete(tables)


def _forget_bytes(store: VectorStore, blobs: BlobStore, assets: Sequence[Asset]) -> None:
    ids = [asset.id for asset in assets]
    # Equal content has an equal id in every Collection.
    kept = {point.id for name in store.collections() for point in store.get(name, ids)}
    gone = [asset for asset in assets if asset.id not in kept]
    originals = {asset.blob for asset in gone if asset.blob is not None}
    blobs.delete(list(originals - _read_by_pages(store, gone)))
    pictures = [asset.id for asset in gone if asset.kind is Kind.IMAGE]
    blobs.delete_derived([thumbnail_name(id, size) for id in pictures for size in THUMBNAIL_SIZES])


def _read_by_pages(store: VectorStore, gone: Sequence[Asset]) -> set[str]:
    """Originals that other pages of the same files are still in."""
    paged = (asset for asset in gone if asset.page is not None)
    documents = tuple({source.document for asset in paged for source in asset.sources})
    if not documents:
        return set()
    condition = assets_where(AnyOf("documents", documents))
    return {
        str(point.payload.get("blob"))
        for name in store.collections()
        for point in scroll_all(store, name, condition, fields=("blob",))
    }


def _below(uri: str, root: str) -> bool:
    return uri == root or uri.startswith((root.rstrip("/") + "/", root + "!/"))


def _gone(document: Document, documents: dict[AssetId, Document], job: AssetId) -> bool:
    if document.container is not None:
        container = documents.get(document_id(document.container))
        if container is None or _gone(container, documents, job):
            return True
        # The archive was read anew, to its end, and this member was not in it.
        read_now = container.job == job and container.status is Status.READ
        return read_now and document.job != job
    return document.uri.startswith("file:") and not os.path.lexists(path_of(document.uri))


def _departed(store: VectorStore, collection: str, document: Document) -> Departed:
    assets = lost = 0
    for point in scroll_all(store, collection, assets_where(Equals("documents", document.id))):
        asset = asset_from(point.id, point.payload)
        others = [source for source in asset.sources if source.document != document.id]
        assets += 1
        lost += not any(_still_there(source) for source in others)
    return Departed(document, assets, lost)


def _still_there(source: Source) -> bool:
    file, _, _ = source.uri.partition("!/")
    return not file.startswith("file:") or os.path.lexists(path_of(file))


def _blob_after(asset: Asset, document: AssetId, rest: list[Source]) -> str | None:
    left = {source.uri for source in asset.sources if source.document == document}
    if asset.blob not in left:
        return asset.blob
    files = [source.uri for source in rest if "!/" not in source.uri]
    return files[0] if files else asset.blob
