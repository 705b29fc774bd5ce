"""One analysis as the ledger knows it: as data, as a payload, and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, cast

from indexer.domain import AssetId, Entry, Kind, Reason, StoredPoint
from indexer.ledger import reason_from


class State(StrEnum):
    """WAITING for a worker, RUNNING, then one of the last three."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({State.DONE, State.FAILED, State.CANCELLED})


@dataclass(frozen=True, slots=True)
class Within:
    """The assets in whose row of an earlier analysis' table a column has this value."""

    analysis: AssetId
    table: str
    column: str
    equals: str | int | float | bool


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked: an analysis by name, over which assets, with which parameters.

    `filter` is a filter's JSON (`indexer.filter_json`); `kind` is None for both Kinds.
    """

    name: str
    space: str
    kind: Kind | None = None
    filter: Mapping[str, object] | None = None
    within: Within | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """What is being done just now, and how much of it is done; `total` is None if that is open."""

    what: str
    done: int = 0
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A table that is kept: its blob's URI, rows and bytes (Parquet)."""

    blob: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Analysis:
    """One analysis, as the ledger knows it.

    `fingerprint` is that of the Space it looked at; `assets` is how many it covered and
    `without_vectors` how many it could not; `looked_at` is when their vectors had been read;
    `version` is that of Semblance.
    """

    id: AssetId
    collection: str
    request: Request
    fingerprint: str
    created_at: str
    started_at: str | None = None
    looked_at: str | None = None
    finished_at: str | None = None
    cancelled_at: str | None = None
    changed_at: str | None = None
    attempts: int = 0
    step: Step | None = None
    error: Reason | None = None
    assets: int | None = None
    without_vectors: int | None = None
    summary: Mapping[str, object] = field(default_factory=dict)
    tables: Mapping[str, Kept] = field(default_factory=dict)
    version: str = ""

    @property
    def state(self) -> State:
        if self.cancelled_at is not None:
            return State.CANCELLED
        if self.finished_at is not None:
            return State.DONE if self.error is None else State.FAILED
        return State.WAITING if self.started_at is None else State.RUNNING


def step_payload(step: Step | None) -> dict[str, object] | None:
    return None if step is None else asdict(step)


def tables_payload(tables: Mapping[str, Kept]) -> dict[str, object]:
    return {name: asdict(kept) for name, kept in tables.items()}


def payload_of(analysis: Analysis) -> dict[str, object]:
    asked = {key: value for key, value in asdict(analysis.request).items() if value is not None}
    return {
        "entry": Entry.ANALYSIS.value,
        "name": analysis.request.name,
        "request": asked,
        "fingerprint": analysis.fingerprint,
        "created_at": analysis.created_at,
        **_ending(analysis),
    }


def _ending(analysis: Analysis) -> dict[str, object]:
    if analysis.finished_at is None:
        return {}
    return {
        "started_at": analysis.started_at,
        "looked_at": analysis.looked_at,
        "finished_at": analysis.finished_at,
        "assets": analysis.assets,
        "without_vectors": analysis.without_vectors,
        "summary": analysis.summary,
        "tables": tables_payload(analysis.tables),
        "version": analysis.version,
    }


def analysis_from(collection: str, point: StoredPoint) -> Analysis:
    payload = point.payload

    def moment(key: str) -> str | None:
        return str(payload[key]) if payload.get(key) else None

    def number(key: str) -> int | None:
        value = payload.get(key)
        return int(value) if isinstance(value, int | float) else None

    step = cast("Mapping[str, Any] | None", payload.get("step"))
    tables = cast("Mapping[str, Mapping[str, Any]]", payload.get("tables") or {})
    return Analysis(
        id=point.id,
        collection=collection,
        request=_request(cast("Mapping[str, Any]", payload.get("request") or {})),
        fingerprint=str(payload.get("fingerprint", "")),
        created_at=str(payload.get("created_at", "")),
        started_at=moment("started_at"),
        looked_at=moment("looked_at"),
        finished_at=moment("finished_at"),
        cancelled_at=moment("cancelled_at"),
        changed_at=moment("changed_at"),
        attempts=number("attempts") or 0,
        step=None if step is None else Step(**step),
        error=reason_from(payload.get("reason")),
        assets=number("assets"),
        without_vectors=number("without_vectors"),
        summary=cast("Mapping[str, object]", payload.get("summary") or {}),
        tables={name: Kept(**kept) for name, kept in tables.items()},
        version=str(payload.get("version", "")),
    )


def _request(raw: Mapping[str, Any]) -> Request:
    within = raw.get("within")
    kind = raw.get("kind")
    return Request(
        name=str(raw.get("name", "")),
        space=str(raw.get("space", "")),
        kind=None if kind is None else Kind(kind),
        filter=raw.get("filter"),
        within=None if within is None else Within(**within),
        parameters=raw.get("parameters") or {},
    )
