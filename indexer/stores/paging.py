"""Going through many points in calls of bounded size."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

from indexer.domain import AssetId, StoredPoint
from indexer.filters import Filter
from indexer.ports import VectorStore


def id_after(id: AssetId) -> AssetId | None:
    """The id that follows in id order, of all there could be; None after the last.

    Engines begin a page *at* an id, the port continues *after* one.
    """
    number = uuid.UUID(id).int + 1
    return None if number >> 128 else str(uuid.UUID(int=number))


def pages(
    store: VectorStore, collection: str, filter: Filter | None, fields: Sequence[str]
) -> Iterator[list[StoredPoint]]:
    """All points that match, page by page, with these payload fields only."""
    after: AssetId | None = None
    while True:
        page, after = store.scroll(collection, filter, after=after, fields=fields)
        yield page
        if after is None:
            return
