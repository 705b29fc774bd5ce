"""Decisions on pairs of duplicates, open pairs, and plans."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from api.schemas.assets import AssetTold
from api.schemas.base import Question, Told
from indexer.analysis.duplicates.decisions import Decided, Decision, decision_on

_PAIR = ["5b0c2f4e-8f5e-5c0e-9a39-3a3b4d6f1c11", "c2a4c1de-52a7-5d0d-8d5b-6f2f0a9b7e22"]


class DecisionAsked(Question):
    """What a person says of two assets."""

    assets: list[str] = Field(min_length=2, max_length=2, examples=[_PAIR])
    decision: Decision = Field(strict=False)
    keep: str | None = Field(None, description="Of duplicates, the one to keep.")
    note: str | None = Field(None, max_length=2000)

    def decided(self) -> Decided:
        """In the engine's words. Raises `InvalidInput` for what is no pair."""
        one, other = self.assets
        return decision_on(one, other, self.decision, keep=self.keep, note=self.note)


class DecisionsAsked(Question):
    """Many decisions at once; all are kept, or none."""

    decisions: list[DecisionAsked] = Field(min_length=1, max_length=1000)


class PairsAsked(Question):
    """Pairs whose decisions are forgotten."""

    pairs: list[str] = Field(min_length=1, max_length=1000, description="Ids of decisions.")


class DecisionTold(Told):
    """A decision as it is kept."""

    pair: str = Field(description="The id of the two, in whichever order they are named.")
    assets: list[str]
    decision: Decision
    keep: str | None
    note: str | None
    decided_at: str

    @classmethod
    def of(cls, one: Decided) -> DecisionTold:
        return cls(
            pair=one.id,
            assets=[one.first, one.second],
            decision=one.decision,
            keep=one.keep,
            note=one.note,
            decided_at=one.decided_at,
        )


class DecisionsTold(Told):
    """Some decisions, and where to go on."""

    decisions: list[DecisionTold]
    next: str | None = Field(description="Send it as `after`; null at the end.")


class Undone(Told):
    """How many decisions there were to forget."""

    undone: int


class OpenPairs(Told):
    """Pairs of a run that nobody has decided on, as of now, the surest first."""

    total: int = Field(description="Open pairs there are.")
    decided: int = Field(description="Pairs of the run that are decided.")
    rows: list[dict[str, Any]]
    assets: dict[str, AssetTold] = Field(description="Those that the rows name, by id.")
