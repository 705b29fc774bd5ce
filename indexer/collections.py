"""Collections: made, counted, told what they hold and what their scores mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from indexer.descriptions import Collection, change, description, get, resolved
from indexer.domain import (
    COLLECTION_ID,
    Entry,
    FieldType,
    Point,
    Space,
    Status,
    space_name,
)
from indexer.errors import AliasNotFound, InvalidInput, SpaceMismatch
from indexer.filters import All, AnyOf, Equals, Filter, Not, all_of
from indexer.ledger import assets_where, now
from indexer.ports import Embedder, Embedders, VectorStore
from indexer.relevance import Calibration

__all__ = [
    "FAILED_OR_SKIPPED",
    "MAX_FIELDS",
    "THINGS",
    "Collection",
    "Totals",
    "change",
    "create",
    "drop_alias",
    "embedder_of",
    "get",
    "keep_calibrations",
    "remember_fields",
    "resolved",
    "space_of",
    "totals",
]

MAX_FIELDS = 64
"""Metadata fields that get an index of their own; further ones are filtered by a scan."""

THINGS: Filter = All(
    (
        AnyOf("entry", (Entry.ASSET.value, Entry.DOCUMENT.value)),
        Not(Equals("status", Status.READ.value)),
    )
)
"""What is counted as found: assets, and documents that could not be read or were skipped."""

FAILED_OR_SKIPPED: Filter = All(
    (THINGS, AnyOf("status", (Status.FAILED.value, Status.SKIPPED.value)))
)


@dataclass(frozen=True, slots=True)
class Totals:
    """found = indexed + failed + pending + skipped, always: each is a count over the ledger.

    What is counted is every asset, and every document that gave none because it could not be read
    or is of no known type. `reasons` says why, by status and reason code.
    """

    found: int
    indexed: int
    failed: int
    pending: int
    skipped: int
    kinds: Mapping[str, int]
    documents: int
    reasons: Mapping[str, Mapping[str, int]]


def create(store: VectorStore, name: str, spaces: Sequence[Space]) -> Collection:
    """Make an empty Collection. Raises `CollectionExists`, `InvalidInput`."""
    if not spaces:
        raise InvalidInput(f"Collection {name!r} needs at least one model.", collection=name)
    names = [space.name for space in spaces]
    if len(set(names)) < len(names):
        raise InvalidInput(f"Collection {name!r} names a model twice: {names}.", collection=name)
    collection = Collection(name, tuple(spaces), now())
    store.create_collection(name, spaces)
    told = {key: value for key, value in description(collection).items() if value is not None}
    store.insert(name, [Point(COLLECTION_ID, told)])
    store.flush(name)
    return collection


def drop_alias(store: VectorStore, alias: str) -> None:
    """Forget the alias; the Collection stays. Raises `AliasNotFound`, naming those there are."""
    if not store.drop_alias(alias):
        known = ", ".join(store.aliases()) or "none yet"
        raise AliasNotFound(f"There is no alias {alias!r}. Aliases: {known}.", alias=alias)


def embedder_of(embedders: Embedders, collection: Collection, space: Space) -> Embedder:
    """The Embedder that fills this Space.

    Raises `SpaceMismatch` if it would now give other vectors than those stored, and
    `ModelUnavailable` if its weights are out of reach.
    """
    embedder = embedders.get(space.embedder)
    if (space.fingerprint, space.dimension) != (embedder.fingerprint, embedder.dimension):
        raise SpaceMismatch(
            f"Collection {collection.name!r} was filled by another version of {space.embedder!r} "
            f"({space.fingerprint}, now {embedder.fingerprint}); its vectors cannot be compared. "
            "Bring back that version, or drop the space and add it again, or index into a new "
            "collection.",
            collection=collection.name,
            space=space.name,
        )
    return embedder


def space_of(embedder: Embedder) -> Space:
    """The Space that an Embedder fills, named after it."""
    return Space(
        name=space_name(embedder.name),
        dimension=embedder.dimension,
        embedder=embedder.name,
        fingerprint=embedder.fingerprint,
        kinds=embedder.kinds,
    )


def remember_fields(
    store: VectorStore, collection: Collection, fields: Mapping[str, FieldType]
) -> Collection:
    """Index metadata fields that are new, up to `MAX_FIELDS`; returns the Collection as it is."""
    if not _new_fields(collection, fields):
        return collection
    for name, type in _new_fields(collection, fields).items():
        store.index_field(collection.name, f"metadata.{name}", type)

    def grown(now: Collection) -> Collection:
        return replace(now, fields={**now.fields, **_new_fields(now, fields)})

    return change(store, collection.name, grown)


def _new_fields(collection: Collection, fields: Mapping[str, FieldType]) -> Mapping[str, FieldType]:
    room = MAX_FIELDS - len(collection.fields)
    return {name: fields[name] for name in sorted(set(fields) - set(collection.fields))[:room]}


def keep_calibrations(store: VectorStore, name: str, fitted: Sequence[Calibration]) -> Collection:
    """Write what scores mean, in place of what was known of the same Spaces and Kinds."""
    places = {(one.space, one.asked, one.found) for one in fitted}

    def kept(now: Collection) -> Collection:
        spaces = {space.name for space in now.spaces}
        others = (
            one
            for one in now.calibrations
            if one.space in spaces and (one.space, one.asked, one.found) not in places
        )
        return replace(now, calibrations=(*others, *fitted))

    return change(store, name, kept)


def totals(store: VectorStore, name: str, filter: Filter | None = None) -> Totals:
    """What became of everything that was found."""
    things = all_of(THINGS, filter)
    counts = store.facet(name, "status", things)
    of = {status: counts.get(status.value, 0) for status in Status}
    return Totals(
        found=sum(counts.values()),
        indexed=of[Status.INDEXED],
        failed=of[Status.FAILED],
        pending=of[Status.PENDING],
        skipped=of[Status.SKIPPED],
        kinds=store.facet(name, "kind", assets_where(filter)),
        documents=store.count(name, all_of(Equals("entry", Entry.DOCUMENT.value), filter)),
        reasons={
            status.value: store.facet(
                name, "reason.code", all_of(things, Equals("status", status.value))
            )
            for status in (Status.FAILED, Status.SKIPPED)
            if of[status]
        },
    )
