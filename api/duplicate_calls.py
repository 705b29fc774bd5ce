"""The client's calls about duplicates: decisions, what is still open, plans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypedDict, cast

from api.answers import Asset
from api.asset_calls import DEFAULT, AssetCalls
from api.transport import segment

PlanFormat = Literal["csv", "sh", "json"]


class DecisionAnswer(TypedDict):
    """A decision as it is kept."""

    pair: str
    assets: list[str]
    decision: Literal["duplicate", "not_duplicate", "keep_both"]
    keep: str | None
    note: str | None
    decided_at: str


class OpenPairs(TypedDict):
    """Pairs of a run that nobody has decided on; `assets` has those they name."""

    total: int
    decided: int
    rows: list[dict[str, Any]]
    assets: dict[str, Asset]


class DuplicateCalls(AssetCalls):
    """Decisions on pairs of duplicates, and plans made of them."""

    def decide(
        self, decisions: Sequence[Mapping[str, object]], collection: str = DEFAULT
    ) -> list[DecisionAnswer]:
        """Say of pairs what they are: {assets: [id, id], decision, keep, note} each.

        They hold for good. Raises `NotFound` for an asset that is not there; then none is kept.
        """
        body = {"decisions": [dict(one) for one in decisions]}
        answer = self._json("POST", collection, "/decisions", json=body)
        return cast("list[DecisionAnswer]", answer["decisions"])

    def decisions(
        self, collection: str = DEFAULT, *, decision: str | None = None
    ) -> Iterator[DecisionAnswer]:
        """All decisions, or those that say this, page by page."""
        params: dict[str, object] = {"limit": 1000}
        if decision is not None:
            params["decision"] = decision
        while True:
            page = self._json("GET", collection, "/decisions", params=params)
            yield from cast("list[DecisionAnswer]", page["decisions"])
            if page["next"] is None:
                return
            params["after"] = page["next"]

    def undo_decisions(self, pairs: Sequence[str], collection: str = DEFAULT) -> int:
        """Forget decisions by the ids of their pairs; returns how many there were."""
        answer = self._json("POST", collection, "/decisions/undo", json={"pairs": [*pairs]})
        return int(answer["undone"])

    def open_pairs(
        self,
        analysis: str,
        collection: str = DEFAULT,
        *,
        offset: int = 0,
        limit: int = 100,
        soft: bool = False,
    ) -> OpenPairs:
        """Pairs of a run that nobody has decided on; `soft` ones are for a look alone."""
        params = {"offset": offset, "limit": limit, "soft": soft}
        path = f"/analyses/{segment(analysis)}/open"
        return cast("OpenPairs", self._json("GET", collection, path, params=params))

    def duplicates_plan(
        self,
        collection: str = DEFAULT,
        *,
        format: PlanFormat = "json",
        analysis: str | None = None,
        copies: bool = False,
    ) -> Iterator[bytes]:
        """Which files could leave, as a file in pieces; nothing is done.

        It has what was decided, and with `analysis` what that run suggests.
        """
        params: dict[str, Any] = {"format": format, "copies": copies}
        if analysis is not None:
            params["analysis"] = analysis
        where = f"/v1/collections/{segment(collection)}/duplicates/plan"
        return self._transport.stream(where, params)
