"""Brings what was found into the ledger while others find the same: nobody's find is lost.

    look     what the ledger says of these ids
    write    insert what is missing; merge with what is there, if nobody has merged since the look
    look     what did not come about is done once more, on top of what is there now

Of several who insert the same asset the first one's point stays, and the others merge with it.
Merges are counted: the payload key `merged` holds a revision, on which the next merge depends, and
the marks of the last ones, by which each writer knows its own. What was found once has no such key.
"""

from __future__ import annotations

import random
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from indexer.domain import Asset, AssetId, Payload, Status, StoredPoint
from indexer.errors import Conflict
from indexer.filters import Equals, Exists, Filter, HasId, Not
from indexer.ledger import asset_from, asset_point, reason_payload, scroll_all, sources_payload
from indexer.ports import VectorStore

MERGED = "merged"
_FIELDS = (
    "kind", "status", "sources", "blob", "metadata", "reason", "job", "added_at", MERGED,
)  # fmt: skip
"""What a merge depends on; texts need not travel for it."""

_TRIES = 30
_MARKS_REMEMBERED = 8
"""Of the last merges; one that is not among them when it is read back has lost the race."""


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one asset; `before` is None where it is not there.

    `again`: it is made pending and queued though it waits already. Of earlier tries that others
    were in the way of: `queued_before` if it was to be queued, `returned` if it was found gone.
    """

    before: Asset | None
    after: Asset
    again: bool = False
    queued_before: bool = False
    returned: bool = False

    @property
    def is_idle(self) -> bool:
        """True if there is nothing to write."""
        return self.before == self.after and not self.again

    @property
    def is_to_queue(self) -> bool:
        """True if by this step it waits for a worker."""
        waited = self.before is not None and self.before.status is Status.PENDING
        asked = self.again or self.queued_before or not waited
        return asked and self.after.status is Status.PENDING


@dataclass(frozen=True, slots=True)
class _Seen:
    asset: Asset
    revision: int
    marks: tuple[str, ...]


Plan = Callable[[Mapping[AssetId, Asset | None]], Mapping[AssetId, Step]]
"""Says what is to become of assets, given what the ledger has of them now; may be asked anew."""


def settle(
    store: VectorStore, collection: str, ids: Sequence[AssetId], plan: Plan
) -> dict[AssetId, Step]:
    """Write what is planned for these assets and see that it is there; returns the last steps.

    Calls of the store: one to look, and where anything is to be written one to look again, beside
    one for what is new and one for each revision that is merged with. Raises `Conflict` if others
    are faster time and again.
    """
    seen: dict[AssetId, _Seen | None] = dict.fromkeys(ids) | _look(store, collection, ids)
    settled: dict[AssetId, Step] = {}
    for _ in range(_TRIES):
        assets = {id: None if one is None else one.asset for id, one in seen.items()}
        steps = {id: _after_another(settled.get(id), step) for id, step in plan(assets).items()}
        settled |= steps
        seen = _write(store, collection, steps, seen)
        if not seen:
            return settled
        time.sleep(random.uniform(0.001, 0.05))
    raise Conflict(
        f"Assets of collection {collection!r} are being changed by many at once; try again.",
        collection=collection,
    )


def _after_another(earlier: Step | None, step: Step) -> Step:
    """The step, knowing of one that did not come about as it was meant."""
    if earlier is None:
        return step
    return replace(
        step,
        # Whoever was faster queues it too: twice does no harm, and not at all would.
        queued_before=earlier.is_to_queue,
        returned=earlier.returned or step.before is None,
    )


def _write(
    store: VectorStore,
    collection: str,
    steps: Mapping[AssetId, Step],
    seen: Mapping[AssetId, _Seen | None],
) -> dict[AssetId, _Seen | None]:
    """Take the steps; returns those that did not come about, with what is there in their place."""
    mark = uuid.uuid4().hex[:16]
    steps = {id: step for id, step in steps.items() if not step.is_idle}
    inserts = [asset_point(step.after) for step in steps.values() if step.before is None]
    if inserts:
        store.insert(collection, inserts)
    merges: dict[int, dict[AssetId, Payload]] = defaultdict(dict)
    for id, step in steps.items():
        if (known := seen[id]) is not None:
            merges[known.revision][id] = _merge_payload(step, known, mark)
    for revision, payloads in merges.items():
        store.set_payload(collection, payloads, only=_is_at(revision))
    now = _look(store, collection, [*steps])
    return {id: now.get(id) for id, step in steps.items() if not _is_there(now.get(id), step, mark)}


def _look(store: VectorStore, collection: str, ids: Sequence[AssetId]) -> dict[AssetId, _Seen]:
    if not ids:
        return {}
    points = scroll_all(store, collection, HasId(frozenset(ids)), fields=_FIELDS)
    return {point.id: _seen(point) for point in points}


def _seen(point: StoredPoint) -> _Seen:
    merged = cast("Mapping[str, object]", point.payload.get(MERGED) or {})
    marks = cast("Sequence[str]", merged.get("marks") or ())
    revision = int(cast("int", merged.get("revision", 0)))
    return _Seen(asset_from(point.id, point.payload), revision, tuple(marks))


def _is_at(revision: int) -> Filter:
    field = f"{MERGED}.revision"
    return Equals(field, revision) if revision else Not(Exists(field))


def _is_there(now: _Seen | None, step: Step, mark: str) -> bool:
    if now is None:
        return False
    if step.before is not None:
        return mark in now.marks
    # A point keeps what the first of several writers inserted: is it this one?
    mine, first = step.after, now.asset
    return (first.job, first.added_at, first.sources[:1]) == (
        mine.job,
        mine.added_at,
        mine.sources[:1],
    )


def _merge_payload(step: Step, known: _Seen, mark: str) -> Payload:
    before, after = known.asset, step.after
    marks = [*known.marks, mark][-_MARKS_REMEMBERED:]
    payload: dict[str, object] = {
        **sources_payload(after.sources),
        "blob": after.blob,
        "metadata": dict(after.metadata) or None,
        MERGED: {"revision": known.revision + 1, "marks": marks},
    }
    if after.status is not before.status or step.again:
        # Only then: a worker may be writing the status at this very moment.
        payload |= {"status": after.status.value, "reason": reason_payload(after.reason)}
    if after.job != before.job:
        payload["job"] = after.job
    return payload
