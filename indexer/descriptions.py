"""A Collection's description: what it is made of, kept as a point in the Collection itself.

Several processes may change it. Each change is a function of what is there; it is written only
if nobody else wrote since, by the revision it was read at, and read back to see who came first.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from indexer.domain import COLLECTION_ID, Entry, FieldType, Kind, Payload, Space
from indexer.errors import CollectionNotFound, Conflict, InvalidInput
from indexer.filters import Equals, Exists, Not
from indexer.ports import VectorStore
from indexer.relevance import Calibration, from_payload, to_payload

_TRIES = 30
_WRITES_REMEMBERED = 16
"""Of the last changes; one that is not among them when it is read back has lost the race."""


@dataclass(frozen=True, slots=True)
class Collection:
    """A named set of assets that share Spaces.

    `fields` are the indexed metadata fields; `calibrations` say what scores mean here
    (`indexer.calibration`). `serving` names, by the Kind that is found, the Space that answers
    unless a query names another; where it says nothing, the best fitting one does
    (`indexer.choosing`). `served_before` is what it was before the last switch.
    """

    name: str
    spaces: tuple[Space, ...]
    created_at: str
    fields: Mapping[str, FieldType] = field(default_factory=dict)
    calibrations: tuple[Calibration, ...] = ()
    serving: Mapping[Kind, str] = field(default_factory=dict)
    served_before: Mapping[Kind, str] | None = None

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


def get(store: VectorStore, name: str) -> Collection:
    """The Collection's description. Raises `CollectionNotFound`, naming those there are."""
    return _read(name, _payload(store, name))


def resolved(store: VectorStore, name: str) -> str:
    """The own name of the Collection that an alias leads to now; of any other name itself.

    Asked once, where a name comes in: jobs, leases and messages carry Collections' own names, so
    that what is begun in one ends there, wherever the alias leads by then.
    """
    return store.aliases().get(name, name)


def _payload(store: VectorStore, name: str) -> Payload:
    try:
        points = store.get(name, [COLLECTION_ID])
    except CollectionNotFound as error:
        known = ", ".join(store.collections()) or "none yet"
        aliases = ", ".join(store.aliases())
        raise CollectionNotFound(
            f"There is no collection {name!r}. Collections: {known}."
            + (f" Aliases: {aliases}." if aliases else ""),
            collection=name,
        ) from error
    if not points:
        raise CollectionNotFound(
            f"Collection {name!r} was not made to its end; drop it and make it again.",
            collection=name,
        )
    return points[0].payload


def change(
    store: VectorStore, name: str, changed: Callable[[Collection], Collection]
) -> Collection:
    """Describe the Collection anew, by a function of what it is now; returns what it has become.

    The function may be called several times, whenever another process was faster; what it raises
    ends the change. Raises `Conflict` if others are faster time and again.
    """
    for _ in range(_TRIES):
        before = _payload(store, name)
        now = _read(name, before)
        wanted = changed(now)
        different = _difference(description(now), description(wanted))
        if not different or _write(store, name, before, different):
            return wanted
        time.sleep(random.uniform(0.001, 0.05))
    raise Conflict(
        f"Collection {name!r} is being changed by many at once; try again.", collection=name
    )


def _difference(before: Payload, after: Payload) -> dict[str, object]:
    return {key: value for key, value in after.items() if value != before[key]}


def _write(store: VectorStore, name: str, before: Payload, different: Payload) -> bool:
    """Write if the description is still the one that was read; True if it was."""
    revision = int(cast("int", before.get("revision", 0)))
    writes = cast("list[str]", before.get("writes") or [])
    mine = uuid.uuid4().hex
    unchanged = Equals("revision", revision) if revision else Not(Exists("revision"))
    payload = {
        **different,
        "revision": revision + 1,
        "writes": [*writes, mine][-_WRITES_REMEMBERED:],
    }
    store.set_payload(name, {COLLECTION_ID: payload}, only=unchanged)
    return mine in cast("list[str]", _payload(store, name).get("writes") or [])


def description(collection: Collection) -> dict[str, object]:
    """The Collection's description as its point holds it; what is empty is None."""
    before = collection.served_before
    return {
        "entry": Entry.COLLECTION.value,
        "created_at": collection.created_at,
        "spaces": _spaces(collection.spaces),
        "fields": [{"name": name, "type": type.value} for name, type in collection.fields.items()],
        "calibrations": [to_payload(one) for one in collection.calibrations] or None,
        "serving": dict(collection.serving) or None,
        "served_before": None if before is None else dict(before),
    }


def _spaces(spaces: Sequence[Space]) -> list[dict[str, object]]:
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


def _read(name: str, payload: Payload) -> Collection:
    rows = cast("list[Mapping[str, object]]", payload.get("spaces") or [])
    fields = cast("list[Mapping[str, str]]", payload.get("fields") or [])
    calibrations = cast("list[Mapping[str, object]]", payload.get("calibrations") or [])
    before = cast("Mapping[str, str] | None", payload.get("served_before"))
    return Collection(
        name=name,
        spaces=tuple(_space(row) for row in rows),
        created_at=str(payload.get("created_at", "")),
        fields={row["name"]: FieldType(row["type"]) for row in fields},
        calibrations=tuple(from_payload(row) for row in calibrations),
        serving=_by_kind(cast("Mapping[str, str]", payload.get("serving") or {})),
        served_before=None if before is None else _by_kind(before),
    )


def _by_kind(raw: Mapping[str, str]) -> dict[Kind, str]:
    return {Kind(kind): space for kind, space in raw.items()}


def _space(row: Mapping[str, object]) -> Space:
    return Space(
        name=str(row["name"]),
        dimension=int(cast("int", row["dimension"])),
        embedder=str(row["embedder"]),
        fingerprint=str(row["fingerprint"]),
        kinds=frozenset(Kind(kind) for kind in cast("list[str]", row["kinds"])),
        filling=bool(row.get("filling")),
    )
