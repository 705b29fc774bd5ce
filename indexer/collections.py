"""Collections: made, described, counted, dropped. Their description is a point like any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from indexer.domain import (
    COLLECTION_ID,
    Entry,
    FieldType,
    Kind,
    Payload,
    Point,
    Space,
    Status,
    space_name,
)
from indexer.errors import CollectionNotFound, InvalidInput, SpaceMismatch
from indexer.filters import All, AnyOf, Equals, Filter, Not, all_of
from indexer.ledger import assets_where, now
from indexer.ports import Embedder, Embedders, VectorStore
from indexer.relevance import Calibration, from_payload, to_payload

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
class Collection:
    """A named set of assets that share Spaces. `fields` are the indexed metadata fields;
    `calibrations` say what scores mean here (`indexer.calibration`)."""

    name: str
    spaces: tuple[Space, ...]
    created_at: str
    fields: Mapping[str, FieldType] = field(default_factory=dict)
    calibrations: tuple[Calibration, ...] = ()

    def space(self, name: str) -> Space:
        """By its name or its model's. Raises `InvalidInput` naming the Spaces there are."""
        for space in self.spaces:
            if name in (space.name, space.embedder):
                return space
        names = ", ".join(space.name for space in self.spaces)
        raise InvalidInput(
            f"Collection {self.name!r} has no space {name!r}; it has: {names}.",
            collection=self.name,
            space=name,
        )

    @property
    def has_unread_texts(self) -> bool:
        """True if it holds texts and no model reads them: they are found by their words alone."""
        holding = [space for space in self.spaces if Kind.TEXT in space.kinds]
        return bool(holding) and all(space.is_imported for space in holding)

    def spaces_for(self, kind: Kind) -> tuple[Space, ...]:
        """The Spaces in which a model gives assets of this Kind their vectors."""
        return tuple(
            space for space in self.spaces if kind in space.kinds and not space.is_imported
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
    store.insert(name, [Point(COLLECTION_ID, _describe(collection))])
    store.flush(name)
    return collection


def get(store: VectorStore, name: str) -> Collection:
    """The Collection's description. Raises `CollectionNotFound`, naming those there are."""
    try:
        points = store.get(name, [COLLECTION_ID])
    except CollectionNotFound as error:
        known = ", ".join(store.collections()) or "none yet"
        raise CollectionNotFound(
            f"There is no collection {name!r}. Collections: {known}.", collection=name
        ) from error
    if not points:
        raise CollectionNotFound(
            f"Collection {name!r} was not made to its end; drop it and make it again.",
            collection=name,
        )
    return _read(name, points[0].payload)


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
    room = MAX_FIELDS - len(collection.fields)
    new = {name: fields[name] for name in sorted(set(fields) - set(collection.fields))[:room]}
    if not new:
        return collection
    for name, type in new.items():
        store.index_field(collection.name, f"metadata.{name}", type)
    grown = replace(collection, fields={**collection.fields, **new})
    # This key alone: a Space may have been added since the description was read.
    store.set_payload(collection.name, {COLLECTION_ID: {"fields": _fields(grown)}})
    return grown


def keep_calibrations(store: VectorStore, name: str, calibrations: Sequence[Calibration]) -> None:
    """Write what scores mean, beside the rest of the description, which stays as it is."""
    rows = [to_payload(calibration) for calibration in calibrations]
    store.set_payload(name, {COLLECTION_ID: {"calibrations": rows}})


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


def _describe(collection: Collection) -> dict[str, object]:
    return {
        "entry": Entry.COLLECTION.value,
        "created_at": collection.created_at,
        "spaces": spaces_payload(collection.spaces),
        "fields": _fields(collection),
    }


def spaces_payload(spaces: Sequence[Space]) -> list[dict[str, object]]:
    """The Spaces as the Collection's description holds them."""
    return [
        {
            "name": space.name,
            "dimension": space.dimension,
            "embedder": space.embedder,
            "fingerprint": space.fingerprint,
            "kinds": sorted(kind.value for kind in space.kinds),
            **({"filling": True} if space.filling else {}),
        }
        for space in spaces
    ]


def _fields(collection: Collection) -> list[dict[str, str]]:
    return [{"name": name, "type": type.value} for name, type in collection.fields.items()]


def _read(name: str, payload: Payload) -> Collection:
    rows = cast("list[Mapping[str, object]]", payload.get("spaces") or [])
    fields = cast("list[Mapping[str, str]]", payload.get("fields") or [])
    calibrations = cast("list[Mapping[str, object]]", payload.get("calibrations") or [])
    return Collection(
        name=name,
        spaces=tuple(_space(row) for row in rows),
        created_at=str(payload.get("created_at", "")),
        fields={row["name"]: FieldType(row["type"]) for row in fields},
        calibrations=tuple(from_payload(row) for row in calibrations),
    )


def _space(row: Mapping[str, object]) -> Space:
    return Space(
        name=str(row["name"]),
        dimension=int(cast("int", row["dimension"])),
        embedder=str(row["embedder"]),
        fingerprint=str(row["fingerprint"]),
        kinds=frozenset(Kind(kind) for kind in cast("list[str]", row["kinds"])),
        filling=bool(row.get("filling")),
    )
