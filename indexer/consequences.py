"""What it means for the assets that are there when a Space comes or goes."""

from __future__ import annotations

from indexer.batches import batches
from indexer.collections import Collection
from indexer.domain import AssetId, Kind, Payload, Space, Status
from indexer.filters import AnyOf, Equals, Filter, HasVector, Not, all_of
from indexer.ledger import (
    PAGE,
    asset_from,
    assets_where,
    gaps_payload,
    has_gap,
    scroll_all,
    status_is,
)
from indexer.marks import NO_MODEL, skip
from indexer.ports import VectorStore


def take_up_skipped(store: VectorStore, name: str, space: Space) -> None:
    """Make assets pending that were set aside because no model took them."""
    kinds = tuple(sorted(kind.value for kind in space.kinds))
    skipped = assets_where(
        status_is(Status.SKIPPED), Equals("reason.code", NO_MODEL), AnyOf("kind", kinds)
    )
    again: Payload = {"status": Status.PENDING.value, "reason": None}
    for batch in batches(_ids(store, name, skipped), PAGE):
        store.set_payload(name, dict.fromkeys(batch, again))


def forget_gaps(store: VectorStore, name: str, space: str) -> None:
    """Take the Space out of what assets say they lack."""
    for batch in batches(_ids(store, name, has_gap(space)), PAGE):
        assets = [asset_from(point.id, point.payload) for point in store.get(name, batch)]
        rest = {
            asset.id: gaps_payload({s: why for s, why in asset.gaps.items() if s != space})
            for asset in assets
        }
        store.set_payload(name, rest)


def set_aside(store: VectorStore, collection: Collection) -> None:
    """Skip assets of a Kind that no model takes any more, and that have no vector left."""
    bare = [Not(HasVector(space.name)) for space in collection.spaces]
    for kind in Kind:
        if collection.spaces_for(kind):
            continue
        condition = assets_where(
            all_of(Equals("kind", kind.value), status_is(Status.INDEXED, Status.PENDING), *bare)
        )
        for batch in batches(_ids(store, collection.name, condition), PAGE):
            points = store.get(collection.name, batch)
            skip(store, collection, [asset_from(point.id, point.payload) for point in points])


def _ids(store: VectorStore, name: str, condition: Filter) -> list[AssetId]:
    # Listed before anything is done: what is done changes this very filter.
    return [point.id for point in scroll_all(store, name, condition, fields=("status",))]
