"""Analyses: asked for, told, and the rows of their tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pydantic import Field, create_model

from api.schemas.assets import AssetTold
from api.schemas.base import FilterJson, Question, ReasonTold, Told
from indexer.analysis.asking import Asked
from indexer.analysis.entry import Analysis, Kept, State, Step, Within
from indexer.analysis.method import Method, Parameters
from indexer.analysis.staleness import Staleness
from indexer.domain import Kind


class WithinAsked(Question):
    """A part of what an earlier analysis looked at: one of its clusters, say."""

    analysis: str = Field(description="Its id, which may be shortened.")
    table: str = Field(examples=["members"])
    column: str = Field(examples=["cluster"])
    equals: str | int | float | bool = Field(examples=[3])


class AnalysisAsked(Question):
    """What to look at; what is left out is chosen."""

    space: str | None = Field(None, description="By default the space that answers searches.")
    kind: Kind | None = Field(
        None, strict=False, description="By default pictures if there are any, else texts."
    )
    filter: FilterJson = None
    within: WithinAsked | None = None
    parameters: Any = None

    def asked(self, name: str) -> Asked:
        """In the engine's words."""
        chosen = self.parameters
        return Asked(
            name=name,
            space=self.space,
            kind=self.kind,
            filter=self.filter,
            within=None if self.within is None else Within(**self.within.model_dump()),
            parameters=chosen.model_dump(mode="json") if isinstance(chosen, Parameters) else None,
        )


def asked_model(method: Method) -> type[AnalysisAsked]:
    """The body of a request for this analysis, with its own parameters."""
    required = any(field.is_required() for field in method.parameters.model_fields.values())
    default = Field(...) if required else Field(default_factory=method.parameters)
    name = "".join(part.title() for part in method.name.split("_"))
    model: type[AnalysisAsked] = create_model(
        f"{name}Asked", __base__=AnalysisAsked, parameters=(method.parameters, default)
    )
    return model


class StepTold(Told):
    """What is being done just now; `total` is null while the end is open."""

    what: str = Field(examples=["Reading vectors"])
    done: int
    total: int | None

    @classmethod
    def of(cls, step: Step | None) -> StepTold | None:
        return None if step is None else cls(what=step.what, done=step.done, total=step.total)


class StaleTold(Told):
    """What has changed since the analysis looked; all zero and false: nothing has."""

    added: int
    removed: int
    refilled: bool = Field(description="The space was dropped, or filled by another model.")

    @classmethod
    def of(cls, stale: Staleness | None) -> StaleTold | None:
        if stale is None:
            return None
        return cls(added=stale.added, removed=stale.removed, refilled=stale.refilled)


class TableTold(Told):
    """One table of the result."""

    name: str
    rows: int
    bytes: int

    @classmethod
    def of(cls, name: str, kept: Kept) -> TableTold:
        return cls(name=name, rows=kept.rows, bytes=kept.bytes)


class AnalysisTold(Told):
    """One analysis: what was asked, how far it is, and what came of it."""

    id: str
    collection: str
    analysis: str = Field(description="Which one.", examples=["outliers"])
    state: State
    space: str
    fingerprint: str = Field(description="Of the vectors in the space when it looked.")
    kind: Kind | None = Field(description="Null if both went in.")
    filter: dict[str, Any] | None
    within: dict[str, Any] | None
    parameters: dict[str, Any]
    created_at: str
    started_at: str | None
    finished_at: str | None
    changed_at: str | None = Field(description="When a person last changed its result.")
    step: StepTold | None = Field(description="While it runs.")
    assets: int | None = Field(description="How many it looked at.")
    without_vectors: int | None = Field(description="How many it could not look at.")
    summary: dict[str, Any]
    tables: list[TableTold]
    stale: StaleTold | None = Field(description="Null while that is not known.")
    error: ReasonTold | None
    version: str = Field(description="Of Semblance.")

    @classmethod
    def of(cls, analysis: Analysis, stale: Staleness | None) -> AnalysisTold:
        asked = analysis.request
        within = asked.within
        return cls(
            id=analysis.id,
            collection=analysis.collection,
            analysis=asked.name,
            state=analysis.state,
            space=asked.space,
            fingerprint=analysis.fingerprint,
            kind=asked.kind,
            filter=_dict(asked.filter),
            within=None if within is None else asdict(within),
            parameters=dict(asked.parameters),
            created_at=analysis.created_at,
            started_at=analysis.started_at,
            finished_at=analysis.finished_at,
            changed_at=analysis.changed_at,
            step=StepTold.of(analysis.step),
            assets=analysis.assets,
            without_vectors=analysis.without_vectors,
            summary=dict(analysis.summary),
            tables=[TableTold.of(name, kept) for name, kept in analysis.tables.items()],
            stale=StaleTold.of(stale),
            error=ReasonTold.of(analysis.error),
            version=analysis.version,
        )


def _dict(value: Mapping[str, object] | None) -> dict[str, Any] | None:
    return None if value is None else dict(value)


class Rows(Told):
    """Some rows of a table, in its own order or the one asked for."""

    total: int = Field(description="Rows there are, after any choice by value.")
    columns: dict[str, str] = Field(description="The type of each column.")
    rows: list[dict[str, Any]]
    assets: dict[str, AssetTold] = Field(
        description="With `assets=true`: those that the rows name, by id; not those deleted since."
    )
