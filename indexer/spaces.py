"""The Spaces of a Collection that is in use: added, filled, looked at, dropped.

    add    the vector field, then the description: what lacks a vector is filled by the workers
    drop   the description, then the vector field

A kill between the two steps leaves a field that nobody asks in; the same command again clears it
away. What still lacks a vector is a query, so a fill that was cut off has no state to lose.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from indexer import collections
from indexer.batches import batches
from indexer.collections import Collection
from indexer.domain import COLLECTION_ID, AssetId, FieldType, Kind, Payload, Space, Status
from indexer.errors import Conflict, SpaceMismatch, SpaceNotFound
from indexer.filters import Any, AnyOf, Equals, Filter, HasVector, Not, all_of
from indexer.ledger import (
    PAGE,
    asset_from,
    assets_where,
    gap_code,
    gaps_payload,
    has_gap,
    scroll_all,
    status_is,
)
from indexer.marks import NO_MODEL, skip
from indexer.ports import VectorStore

_CHANGING = threading.Lock()
"""One change of a description at a time: each reads the Spaces, and writes them all."""


@dataclass(frozen=True, slots=True)
class Filling:
    """How far a Space is filled, as of now.

    `wanted` are the indexed assets of its Kinds, or None where vectors were imported: whoever
    brings them decides for which assets. `reasons` counts by code why some cannot have any.
    """

    space: Space
    vectors: int
    wanted: int | None
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        return sum(self.reasons.values())

    @property
    def waiting(self) -> int:
        """How many are still to be given their vector."""
        return 0 if self.wanted is None else max(self.wanted - self.vectors - self.failed, 0)

    @property
    def complete(self) -> bool:
        """True if every asset that should have a vector has one."""
        return self.wanted is None or self.vectors >= self.wanted


def add(store: VectorStore, name: str, space: Space) -> Collection:
    """Give the Collection another Space; idempotent. Its vectors come from the workers, later.

    Raises `SpaceMismatch` if it has a Space of that name with other vectors.
    """
    with _CHANGING:
        collection = collections.get(store, name)
        there = next((one for one in collection.spaces if one.name == space.name), None)
        if there is None:
            store.drop_space(name, space.name)  # what a drop that was cut off has left
            store.add_space(name, space)
            filling = not space.is_imported and store.count(name, lacking(space)) > 0
            added = replace(space, filling=filling)
            collection = _describe(store, collection, (*collection.spaces, added))
        else:
            check_fits(collection, space)
            store.add_space(name, space)
        if not space.is_imported:
            store.index_field(name, gap_code(space.name), FieldType.KEYWORD)
            _take_up_skipped(store, name, space)
        store.flush(name)
    return collection


def check_fits(collection: Collection, wanted: Space) -> None:
    """Raise `SpaceMismatch` if the Collection has a Space of that name with other vectors."""
    for there in collection.spaces:
        same = (there.embedder, there.dimension) == (wanted.embedder, wanted.dimension)
        fits = same and (there.is_imported or there.fingerprint == wanted.fingerprint)
        if there.name == wanted.name and not fits:
            raise SpaceMismatch(
                f"Collection {collection.name!r} has a space {there.name!r} with other vectors: "
                f"{there.embedder}, {there.dimension} dimensions, {there.fingerprint}; not "
                f"{wanted.embedder}, {wanted.dimension}, {wanted.fingerprint}. Drop it first, or "
                "choose another name.",
                collection=collection.name,
                space=there.name,
            )


def change(
    store: VectorStore, name: str, space: str, changed: Callable[[Space], Space]
) -> Collection:
    """Describe a Space anew, by a function of what it is now."""
    with _CHANGING:
        collection = collections.get(store, name)
        collection.space(space)
        spaces = [changed(one) if one.name == space else one for one in collection.spaces]
        if tuple(spaces) == collection.spaces:
            return collection
        return _describe(store, collection, spaces)


def drop(store: VectorStore, name: str, space: str) -> Collection:
    """Remove a Space with its vectors, for good.

    Assets that are left without any vector and without a model to make one are set aside.
    Raises `SpaceNotFound`, and `Conflict` for the last Space.
    """
    with _CHANGING:
        collection = collections.get(store, name)
        rest = tuple(one for one in collection.spaces if one.name != space)
        described = len(rest) < len(collection.spaces)
        if described and not rest:
            raise Conflict(
                f"{space!r} is the only space of collection {name!r}. Add another one first, or "
                "delete the collection.",
                collection=name,
                space=space,
            )
        if described:
            # First of all: from here on nobody asks in it or fills it.
            collection = _describe(store, collection, rest)
        if not store.drop_space(name, space) and not described:
            have = ", ".join(one.name for one in rest)
            raise SpaceNotFound(
                f"Collection {name!r} has no space {space!r}; it has: {have}.",
                collection=name,
                space=space,
            )
        _forget_gaps(store, name, space)
        _set_aside(store, collection)
        store.flush(name)
    return collection


def filling(store: VectorStore, collection: str, space: Space) -> Filling:
    """Count how far a Space is filled."""
    if space.is_imported:
        return Filling(space, store.count(collection, assets_where(HasVector(space.name))), None)
    wanted = store.count(collection, _wanted(space))
    lack = store.count(collection, lacking(space))
    if not lack:
        return Filling(space, wanted, wanted)
    # idempotent; without an index the engine would read every asset to count
    store.index_field(collection, gap_code(space.name), FieldType.KEYWORD)
    reasons = store.facet(collection, gap_code(space.name), lacking(space))
    return Filling(space, max(wanted - lack, 0), wanted, reasons)


def settle(store: VectorStore, name: str) -> Collection:
    """Note which Spaces have been filled: searches then choose them by themselves."""
    collection = collections.get(store, name)
    for space in collection.spaces:
        if space.filling and not filling(store, name, space).waiting:
            collection = change(store, name, space.name, lambda one: replace(one, filling=False))
    return collection


def lacking(space: Space) -> Filter:
    """Indexed assets that should have a vector in the Space and have none."""
    return assets_where(_wanted(space), Not(HasVector(space.name)))


def waiting(space: Space) -> Filter:
    """Those among them of which nothing is known that keeps them from having one."""
    return assets_where(lacking(space), Not(has_gap(space.name)))


def unfilled(collection: Collection) -> Filter | None:
    """Assets that a worker can give a vector they lack; None if no Space has a model."""
    each = tuple(waiting(space) for space in collection.spaces if not space.is_imported)
    return Any(each) if each else None


def _wanted(space: Space) -> Filter:
    kinds = tuple(sorted(kind.value for kind in space.kinds))
    return assets_where(status_is(Status.INDEXED), AnyOf("kind", kinds))


def _describe(store: VectorStore, collection: Collection, spaces: Sequence[Space]) -> Collection:
    payload: Payload = {"spaces": collections.spaces_payload(spaces)}
    store.set_payload(collection.name, {COLLECTION_ID: payload})
    return replace(collection, spaces=tuple(spaces))


def _take_up_skipped(store: VectorStore, name: str, space: Space) -> None:
    """Make assets pending that were set aside because no model took them."""
    kinds = tuple(sorted(kind.value for kind in space.kinds))
    skipped = assets_where(
        status_is(Status.SKIPPED), Equals("reason.code", NO_MODEL), AnyOf("kind", kinds)
    )
    again: Payload = {"status": Status.PENDING.value, "reason": None}
    for batch in batches(_ids(store, name, skipped), PAGE):
        store.set_payload(name, dict.fromkeys(batch, again))


def _forget_gaps(store: VectorStore, name: str, space: str) -> None:
    for batch in batches(_ids(store, name, has_gap(space)), PAGE):
        assets = [asset_from(point.id, point.payload) for point in store.get(name, batch)]
        rest = {
            asset.id: gaps_payload({s: why for s, why in asset.gaps.items() if s != space})
            for asset in assets
        }
        store.set_payload(name, rest)


def _set_aside(store: VectorStore, collection: Collection) -> None:
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
