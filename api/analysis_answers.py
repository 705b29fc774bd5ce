"""What the API answers about analyses, as types: plain dictionaries with known keys."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from api.answers import Asset, Reason

AnalysisState = Literal["waiting", "running", "done", "failed", "cancelled"]


class Step(TypedDict):
    """What an analysis is doing; `total` is None while the end is open."""

    what: str
    done: int
    total: int | None


class Stale(TypedDict):
    """What has changed since an analysis looked."""

    added: int
    removed: int
    refilled: bool


class Table(TypedDict):
    """One table of an analysis."""

    name: str
    rows: int
    bytes: int


class Analysis(TypedDict):
    """One analysis: what was asked, how far it is, and what came of it."""

    id: str
    collection: str
    analysis: str
    state: AnalysisState
    space: str
    fingerprint: str
    kind: str | None
    filter: dict[str, Any] | None
    within: dict[str, Any] | None
    parameters: dict[str, Any]
    created_at: str
    started_at: str | None
    finished_at: str | None
    changed_at: str | None
    step: Step | None
    assets: int | None
    without_vectors: int | None
    summary: dict[str, Any]
    tables: list[Table]
    stale: Stale | None
    error: Reason | None
    version: str


class Rows(TypedDict):
    """Some rows of a table, and by id the assets they name if those were asked for."""

    total: int
    columns: dict[str, str]
    rows: list[dict[str, Any]]
    assets: dict[str, Asset]
