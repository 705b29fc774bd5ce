"""Collections, models and facets."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from api.schemas.base import Question, ReasonTold, Told
from api.schemas.jobs import TotalsTold
from indexer.collections import Collection, Totals
from indexer.domain import FieldType, Kind, Reason, Space
from indexer.relevance import Calibration, Method
from indexer.serving import serves
from indexer.spaces import Filling


class SpaceTold(Told):
    """A vector field and the model that fills it; `imported` stands for no model."""

    name: str
    dimension: int
    embedder: str
    fingerprint: str
    kinds: list[Kind]
    serves: list[Kind] = Field(
        description="The kinds of assets for which it answers when a query names no space."
    )

    @classmethod
    def of(cls, space: Space, collection: Collection) -> SpaceTold:
        return cls(
            name=space.name,
            dimension=space.dimension,
            embedder=space.embedder,
            fingerprint=space.fingerprint,
            kinds=sorted(space.kinds),
            serves=serves(collection, space.name),
        )


class CalibrationTold(Told):
    """What scores mean in a space, for a kind asked with and a kind found: relevance is
    1 / (1 + exp(-6 ((score - typical) / (clear - typical) - 1)))."""

    space: str
    asked: Kind
    found: Kind
    typical: float = Field(
        description="Median score of a meaningless question and a random asset: relevance 0.",
        examples=[0.01],
    )
    clear: float = Field(
        description="Score that the best hit of a meaningless question seldom reaches: "
        "relevance 0.5.",
        examples=[0.245],
    )
    method: Method = Field(
        description="`meaningless`: asked with made-up words or pictures of nothing; `stored`: "
        "with stored vectors, where no model can be asked."
    )
    questions: int = Field(description="How many were asked.")
    assets: int = Field(description="How many assets of the kind there were when it was done.")

    @classmethod
    def of(cls, calibration: Calibration) -> CalibrationTold:
        return cls(
            space=calibration.space,
            asked=calibration.asked,
            found=calibration.found,
            typical=calibration.typical,
            clear=calibration.clear,
            method=calibration.method,
            questions=calibration.questions,
            assets=calibration.assets,
        )


class SpaceFilled(SpaceTold):
    """A space with its counts as of now."""

    vectors: int = Field(description="How many assets have a vector here.")
    wanted: int | None = Field(
        description="How many should: the indexed assets of its kinds; null for imported vectors."
    )
    waiting: int = Field(description="How many are still to be given theirs.")
    failed: int = Field(description="How many cannot be given theirs; see the failures.")
    reasons: dict[str, int] = Field(
        description="Why they failed: counts by code.", examples=[{"asset_not_found": 2}]
    )
    complete: bool = Field(description="True if no asset lacks its vector.")

    @classmethod
    def counted(cls, filling: Filling, collection: Collection) -> SpaceFilled:
        return cls(
            **SpaceTold.of(filling.space, collection).model_dump(),
            vectors=filling.vectors,
            wanted=filling.wanted,
            waiting=filling.waiting,
            failed=filling.failed,
            reasons=dict(filling.reasons),
            complete=filling.complete,
        )


class SpaceWanted(Question):
    """A space to add: the model that fills it."""

    model: str = Field(min_length=1, max_length=500, examples=["clip-vit-b-32"])


class Switch(Question):
    """How a space is switched to."""

    kinds: list[Kind] = Field(
        [],
        max_length=len(Kind),
        description="Where it is to answer; by default wherever it can.",
    )
    force: bool = Field(
        False, description="True to switch while assets still wait for their vectors there."
    )


class CollectionTold(Told):
    """A collection, with its counts as of now."""

    name: str
    aliases: list[str] = Field(description="Further names, by which it can be named everywhere.")
    created_at: str | None
    spaces: list[SpaceTold]
    fields: dict[str, FieldType] = Field(
        description="Metadata fields that have an index, and how.", examples=[{"year": "number"}]
    )
    calibrations: list[CalibrationTold] = Field(
        description="How scores become relevance; made when first needed, again after growth."
    )
    totals: TotalsTold | None
    problem: ReasonTold | None = Field(
        None, description="Why it cannot be used; what is null is then unknown."
    )

    @classmethod
    def of(cls, collection: Collection, totals: Totals, aliases: Sequence[str]) -> CollectionTold:
        return cls(
            name=collection.name,
            aliases=list(aliases),
            created_at=collection.created_at,
            spaces=[SpaceTold.of(space, collection) for space in collection.spaces],
            fields=dict(collection.fields),
            calibrations=[CalibrationTold.of(one) for one in collection.calibrations],
            totals=TotalsTold.of(totals),
        )

    @classmethod
    def broken(cls, name: str, reason: Reason, aliases: Sequence[str]) -> CollectionTold:
        """One that does not open; the others are told all the same."""
        return cls(
            name=name,
            aliases=list(aliases),
            created_at=None,
            spaces=[],
            fields={},
            calibrations=[],
            totals=None,
            problem=ReasonTold.of(reason),
        )


class CollectionWanted(Question):
    """A collection to make."""

    name: str = Field(min_length=1, max_length=200, examples=["photos"])
    models: list[str] | None = Field(
        None,
        max_length=16,
        description="Names of models, one Space each; by default the server's own.",
        examples=[["mini"]],
    )


class AliasTold(Told):
    """A further name of a collection."""

    alias: str
    collection: str


class AliasWanted(Question):
    """Where an alias is to lead."""

    collection: str = Field(min_length=1, max_length=200, examples=["photos-2026"])


class ModelTold(Told):
    """A model of the catalogue."""

    name: str
    description: str
    kinds: list[Kind]
    dimension: int | None
    licence: str | None
    available: bool = Field(description="True if its weights are on this machine.")
    remedy: str | None = Field(description="How to bring one that is not.")
    default: bool
    megabytes: int | None


class FacetValue(Told):
    """A value and how many assets have it."""

    value: str
    count: int


class Facets(Told):
    """The most frequent values of a field."""

    values: list[FacetValue]
