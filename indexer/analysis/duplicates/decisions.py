"""What people said of pairs: kept in the ledger for good, and never asked again.

A decision is about two contents, so it holds whatever their files are called, in every Space, and
after every further run. It goes with the Collection.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from indexer import collections
from indexer.batches import batches
from indexer.domain import AssetId, Entry, Payload, Point
from indexer.errors import InvalidInput, NotFound
from indexer.filters import All, Equals, Filter
from indexer.ledger import PAGE, now, scroll_all
from indexer.ports import VectorStore

_NAMESPACE = uuid.UUID("5d0f5a3c-8a9e-5b64-9c0a-2f6f0f0b7d11")
_NOTE = 2000


class Decision(StrEnum):
    """What a pair is: one of the two can go, they are different, or both are wanted."""

    DUPLICATE = "duplicate"
    NOT_DUPLICATE = "not_duplicate"
    KEEP_BOTH = "keep_both"


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision on two assets, the smaller id first; `keep` is the one to keep of duplicates."""

    first: AssetId
    second: AssetId
    decision: Decision
    keep: AssetId | None = None
    note: str | None = None
    decided_at: str = ""

    @property
    def id(self) -> AssetId:
        return pair_id(self.first, self.second)


def pair_id(one: AssetId, other: AssetId) -> AssetId:
    """The id of the decision on two assets, in whichever order they are named."""
    return str(uuid.uuid5(_NAMESPACE, " ".join(sorted((one, other)))))


def decision_on(
    one: str,
    other: str,
    decision: Decision,
    *,
    keep: str | None = None,
    note: str | None = None,
) -> Decided:
    """A decision as it is kept. Raises `InvalidInput` for what is no pair of assets."""
    first, second = sorted((_asset_id(one), _asset_id(other)))
    if first == second:
        raise InvalidInput(f"A pair is two assets; {first} was named twice.", asset=first)
    kept = None if keep is None else _asset_id(keep)
    if kept is not None and (kept not in (first, second) or decision is not Decision.DUPLICATE):
        raise InvalidInput(
            f"Of the duplicates {first} and {second} one is kept, not {kept}; leave `keep` out "
            "where the decision is another one.",
            keep=kept,
        )
    if note is not None and len(note) > _NOTE:
        raise InvalidInput(f"A note has at most {_NOTE} characters, not {len(note)}.")
    return Decided(first, second, decision, kept, note, now())


def decide(store: VectorStore, collection: str, decided: Sequence[Decided]) -> None:
    """Keep the decisions, in place of earlier ones on the same pairs; durable when it returns.

    Raises `CollectionNotFound`, and `NotFound` naming an asset that is not in the Collection.
    """
    collections.get(store, collection)
    _check_known(store, collection, decided)
    for batch in batches(decided, PAGE):
        store.insert(collection, [Point(one.id, _payload(one)) for one in batch])
        # None removes what an earlier decision said and this one does not
        whole = {one.id: {"keep": None, "note": None, **_payload(one)} for one in batch}
        store.set_payload(collection, whole)
    store.flush(collection)


def every(
    store: VectorStore, collection: str, decision: Decision | None = None
) -> Iterator[Decided]:
    """All decisions of a Collection, or those that say this, in the order of their ids."""
    for point in scroll_all(store, collection, _which(decision)):
        yield _decided(point.payload)


def page(
    store: VectorStore,
    collection: str,
    decision: Decision | None = None,
    *,
    limit: int = 100,
    after: AssetId | None = None,
) -> tuple[list[Decided], AssetId | None]:
    """Some decisions, and where to continue (None at the end)."""
    after = None if after is None else _asset_id(after)
    points, following = store.scroll(collection, _which(decision), limit=limit, after=after)
    return [_decided(point.payload) for point in points], following


def on_pairs(store: VectorStore, collection: str, ids: Sequence[AssetId]) -> dict[AssetId, Decided]:
    """The decisions with these ids, by id; open pairs have none."""
    found = {}
    for batch in batches(dict.fromkeys(ids), PAGE):
        for point in store.get(collection, batch):
            if point.payload.get("entry") == Entry.DECISION.value:
                found[point.id] = _decided(point.payload)
    return found


def undo(store: VectorStore, collection: str, ids: Sequence[AssetId]) -> int:
    """Forget these decisions: their pairs are open again. Returns how many there were."""
    collections.get(store, collection)
    there = [*on_pairs(store, collection, [_asset_id(id) for id in ids])]
    for batch in batches(there, PAGE):
        store.delete(collection, batch)
    store.flush(collection)
    return len(there)


def _which(decision: Decision | None) -> Filter:
    every = Equals("entry", Entry.DECISION.value)
    return every if decision is None else All((every, Equals("decision", decision.value)))


def _check_known(store: VectorStore, collection: str, decided: Sequence[Decided]) -> None:
    wanted = {id for one in decided for id in (one.first, one.second)}
    for batch in batches(sorted(wanted), PAGE):
        there = {
            point.id
            for point in store.get(collection, batch)
            if point.payload.get("entry") == Entry.ASSET.value
        }
        for id in batch:
            if id not in there:
                raise NotFound(f"There is no asset {id} in collection {collection!r}.", asset=id)


def _payload(one: Decided) -> dict[str, object]:
    said: Mapping[str, object] = {
        "entry": Entry.DECISION.value,
        "first": one.first,
        "second": one.second,
        "decision": one.decision.value,
        "keep": one.keep,
        "note": one.note,
        "decided_at": one.decided_at,
    }
    return {key: value for key, value in said.items() if value is not None}


def _decided(payload: Payload) -> Decided:
    keep, note = payload.get("keep"), payload.get("note")
    return Decided(
        first=str(payload.get("first")),
        second=str(payload.get("second")),
        decision=Decision(str(payload.get("decision"))),
        keep=keep if isinstance(keep, str) else None,
        note=note if isinstance(note, str) else None,
        decided_at=str(payload.get("decided_at", "")),
    )


def _asset_id(raw: str) -> AssetId:
    try:
        return str(uuid.UUID(raw))
    except ValueError:
        raise InvalidInput(
            f"{raw!r} is no id of an asset or a pair; write it in full, as the results have it.",
            id=raw,
        ) from None
