"""Pictures of a folder that only this machine sees are copied to where others can read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from indexer.batches import batches
from indexer.domain import AssetId, document_id
from indexer.filters import AnyOf
from indexer.ledger import PAGE, asset_from, assets_where, scroll_all
from indexer.ports import VectorStore
from indexer.readers.found import Candidate, Found

_FIELDS = ("kind", "status", "blob", "documents", "sources")


def copied(store: VectorStore, collection: str, found: Iterable[Found]) -> Iterator[Found]:
    """The same documents, with their pictures to be copied rather than read in place.

    Those with a picture that is in place so far are read anew, whether they have changed or not.
    """
    for batch in batches(found, PAGE):
        in_place = _in_place(store, collection, [document_id(one.uri) for one in batch])
        for one in batch:
            anew = one.anew or document_id(one.uri) in in_place
            yield replace(one, read=partial(_read, one), anew=anew)


def _in_place(store: VectorStore, collection: str, documents: list[AssetId]) -> set[AssetId]:
    condition = assets_where(AnyOf("documents", tuple(documents)))
    places: set[AssetId] = set()
    for point in scroll_all(store, collection, condition, fields=_FIELDS):
        asset = asset_from(point.id, point.payload)
        if asset.blob is not None and asset.blob.startswith("file:"):
            places.update(source.document for source in asset.sources)
    return places


def _read(found: Found) -> Iterator[Candidate]:
    for candidate in found.read():
        yield replace(candidate, blob=None)
