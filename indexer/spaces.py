"""The Spaces of a Collection that is in use: added, filled, looked at, dropped.

    add    the vector field, then the description: what lacks a vector is filled by the workers
    drop   the description, then the vector field

A kill between the two steps leaves a field that nobody asks in; the same command again clears it
away. What still lacks a vector is a query, so a fill that was cut off has no state to lose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from indexer import collections
from indexer.collections import Collection
from indexer.consequences import forget_gaps, set_aside, take_up_skipped
from indexer.domain import FieldType, Space, Status
from indexer.errors import Conflict, InvalidQuery, SpaceMismatch, SpaceNotFound
from indexer.filters import Any, AnyOf, Filter, HasVector, Not
from indexer.ledger import (
    assets_where,
    gap_code,
    has_gap,
    status_is,
)
from indexer.ports import VectorStore


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
    check_fits(collections.get(store, name), space)
    _add_field(store, name, space)

    def added(now: Collection) -> Collection:
        check_fits(now, space)
        if any(one.name == space.name for one in now.spaces):
            return now
        filling = not space.is_imported and store.count(name, lacking(space)) > 0
        return replace(now, spaces=(*now.spaces, replace(space, filling=filling)))

    collection = collections.change(store, name, added)
    if not space.is_imported:
        store.index_field(name, gap_code(space.name), FieldType.KEYWORD)
        take_up_skipped(store, name, space)
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

    def with_one_changed(now: Collection) -> Collection:
        now.space(space)
        spaces = (changed(one) if one.name == space else one for one in now.spaces)
        return replace(now, spaces=tuple(spaces))

    return collections.change(store, name, with_one_changed)


def drop(store: VectorStore, name: str, space: str, *, force: bool = False) -> Collection:
    """Remove a Space with its vectors, for good.

    Assets that are left without any vector and without a model to make one are set aside.
    Raises `SpaceNotFound`, and `Conflict` for the last Space; for one that was switched to, or
    that switching back would need, unless it is forced.
    """
    before = collections.get(store, name)
    described = any(one.name == space for one in before.spaces)
    # First of all: from here on nobody asks in it or fills it.
    collection = collections.change(store, name, lambda now: _without(now, space, force))
    if not store.drop_space(name, space) and not described:
        have = ", ".join(one.name for one in collection.spaces)
        raise SpaceNotFound(
            f"Collection {name!r} has no space {space!r}; it has: {have}.",
            collection=name,
            space=space,
        )
    forget_gaps(store, name, space)
    set_aside(store, collection)
    store.flush(name)
    return collection


def _without(now: Collection, space: str, force: bool) -> Collection:
    rest = tuple(one for one in now.spaces if one.name != space)
    if not rest:
        raise Conflict(
            f"{space!r} is the only space of collection {now.name!r}. Add another one first, or "
            "delete the collection.",
            collection=now.name,
            space=space,
        )
    former = now.served_before
    used = {"answers searches": now.serving, "is what switching back would need": former or {}}
    for why, by_kind in used.items():
        if space in by_kind.values() and len(rest) < len(now.spaces) and not force:
            raise Conflict(
                f"{space!r} {why} in collection {now.name!r}. Switch to another space first, or "
                "force it.",
                collection=now.name,
                space=space,
            )
    return replace(
        now,
        spaces=rest,
        serving={kind: name for kind, name in now.serving.items() if name != space},
        served_before=None if any(space in kinds.values() for kinds in used.values()) else former,
    )


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


def _add_field(store: VectorStore, name: str, space: Space) -> None:
    """Make the vector field, empty if it is new: an add or a drop that was cut off may have left
    one.

    Vectors come after the description and go after it: where there are some and still no
    description, nobody else is just adding the Space.
    """
    try:
        vectors = store.count(name, HasVector(space.name))
    except InvalidQuery:
        vectors = 0  # there is no such field
    described = any(one.name == space.name for one in collections.get(store, name).spaces)
    if vectors and not described:
        store.drop_space(name, space.name)
    try:
        store.add_space(name, space)
    except SpaceMismatch:
        if described:
            raise
        store.drop_space(name, space.name)
        store.add_space(name, space)
