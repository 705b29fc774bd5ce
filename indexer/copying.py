"""Pictures of a folder that only this machine sees are copied to where others can read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from indexer.batches import batches
from indexer.blob_store import BlobStore
from indexer.domain import AssetId, document_id
from indexer.filters import AnyOf
from indexer.ledger import PAGE, asset_from, assets_where, scroll_all
from indexer.originals import gone
from indexer.ports import VectorStore
from indexer.readers.found import Candidate, Found

_FIELDS = ("kind", "status", "blob", "documents", "sources")


def copied(
    store: VectorStore, blobs: BlobStore, collection: str, found: Iterable[Found]
) -> Iterator[Found]:
    """The same documents, with their pictures to be copied rather than read in place.

    Those with a picture that is in place so far, or whose copy is gone, are read anew, whether they
    have changed or not. Raises `BlobsUnavailable`.
    """
    for batch in batches(found, PAGE):
        lacking = _lacking(store, blobs, collection, [document_id(one.uri) for one in batch])
        for one in batch:
            anew = one.anew or document_id(one.uri) in lacking
            yield replace(one, read=partial(_read, one), anew=anew)


def _lacking(
    store: VectorStore, blobs: BlobStore, collection: str, documents: list[AssetId]
) -> set[AssetId]:
    """Those of the documents that have a picture of which no copy is kept."""
    condition = assets_where(AnyOf("documents", tuple(documents)))
    points = scroll_all(store, collection, condition, fields=_FIELDS)
    lacking: set[AssetId] = set()
    for batch in batches(points, PAGE):
        assets = [asset_from(point.id, point.payload) for point in batch]
        lost = gone(blobs, [asset.blob for asset in assets if asset.blob is not None])
        for asset in assets:
            if asset.blob is not None and (asset.blob.startswith("file:") or asset.blob in lost):
                lacking.update(source.document for source in asset.sources)
    return lacking


def _read(found: Found) -> Iterator[Candidate]:
    for candidate in found.read():
        yield replace(candidate, blob=None)
