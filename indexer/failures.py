"""What failed or was skipped, and why, in pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import cast

from indexer import collections
from indexer.domain import AssetId, Payload, Reason, Status, StoredPoint
from indexer.filters import Any, Equals, Filter, all_of
from indexer.ledger import has_gap, reason_from, scroll_all
from indexer.ports import VectorStore

_FIELDS = ("path", "sources", "reason", "status", "gaps")


@dataclass(frozen=True, slots=True)
class Failure:
    """An asset or document that failed or was skipped; `path` is for people."""

    id: AssetId
    path: str
    reason: Reason


def failures(
    store: VectorStore,
    collection: str,
    job: AssetId | None = None,
    *,
    code: str | None = None,
    after: AssetId | None = None,
    limit: int = 100,
) -> list[Failure]:
    """What failed or was skipped, in the order of ids; at most `limit`, those that follow `after`.

    `job` and the reason's `code` narrow it down. For the whole Collection also indexed assets that
    lack a Space's vector, with why.
    """
    condition: Filter = collections.FAILED_OR_SKIPPED
    if job is None and code is None:
        condition = Any((condition, has_gap()))
    narrowed = all_of(
        condition,
        None if job is None else Equals("job", job),
        None if code is None else Equals("reason.code", code),
    )
    points = scroll_all(store, collection, narrowed, fields=_FIELDS, after=after)
    return [Failure(point.id, _path(point), _why(point.payload)) for point in islice(points, limit)]


def _why(payload: Payload) -> Reason:
    gaps = cast("Mapping[str, Mapping[str, str]]", payload.get("gaps") or {})
    if payload.get("status") != Status.INDEXED.value or not gaps:
        return reason_from(payload.get("reason")) or Reason("", "")
    told = [f"No vector in space {space}: {why['message']}" for space, why in gaps.items()]
    return Reason(next(iter(gaps.values()))["code"], " ".join(told))


def _path(point: StoredPoint) -> str:
    if "path" in point.payload:
        return str(point.payload["path"])
    sources = cast("list[Mapping[str, object]]", point.payload.get("sources") or [{}])
    path, page = sources[0].get("path", point.id), sources[0].get("page")
    return f"{path} (page {page})" if page is not None else str(path)
