"""Duplicates: decisions on pairs, what is still open, and plans. Nothing is carried out here."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Response

from api.deps import COLLECTION, ENGINE, STORE
from api.routes.analyses import ANALYSIS
from api.routes.tables import named
from api.schemas.duplicates import (
    DecisionsAsked,
    DecisionsTold,
    DecisionTold,
    OpenPairs,
    PairsAsked,
    Undone,
)
from indexer import collections
from indexer.analysis import entries, rows
from indexer.analysis.duplicates import decisions, plan_files, proposals
from indexer.analysis.duplicates.decisions import Decision
from indexer.analysis.duplicates.plans import plan

router = APIRouter(prefix="/collections/{collection}", tags=["duplicates"])


class PlanFormat(StrEnum):
    """CSV to be read, a shell script, or JSON for `semblance duplicates apply`."""

    CSV = "csv"
    SH = "sh"
    JSON = "json"


_MEDIA_TYPES = {
    PlanFormat.CSV: "text/csv; charset=utf-8",
    PlanFormat.SH: "application/x-sh",
    PlanFormat.JSON: "application/json",
}


@router.get("/decisions")
def list_decisions(
    collection: COLLECTION,
    store: STORE,
    decision: Annotated[Decision | None, Query(description="Only these.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[str | None, Query(description="`next` of the answer before.")] = None,
) -> DecisionsTold:
    """List decisions, in the order of their ids."""
    collections.get(store, collection)
    found, following = decisions.page(store, collection, decision, limit=limit, after=after)
    return DecisionsTold(decisions=[DecisionTold.of(one) for one in found], next=following)


@router.post("/decisions", status_code=201)
def decide(collection: COLLECTION, asked: DecisionsAsked, store: STORE) -> DecisionsTold:
    """Say of pairs what they are, in place of earlier decisions on them.

    They hold for good: after a rescan, with other models, in every further run."""
    decided = [one.decided() for one in asked.decisions]
    decisions.decide(store, collection, decided)
    return DecisionsTold(decisions=[DecisionTold.of(one) for one in decided], next=None)


@router.post("/decisions/undo")
def undo_decisions(collection: COLLECTION, asked: PairsAsked, store: STORE) -> Undone:
    """Forget decisions: their pairs are open again."""
    return Undone(undone=decisions.undo(store, collection, asked.pairs))


@router.get("/analyses/{id}/open")
def list_open_pairs(
    analysis: ANALYSIS,
    engine: ENGINE,
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    soft: Annotated[bool, Query(description="With same scenes and re-worded texts.")] = False,
) -> OpenPairs:
    """List the pairs of a run of `duplicates` that nobody has decided on, the surest first."""
    found = proposals.open_pairs(engine.access, analysis, soft=soft)
    page = found.rows.slice(offset, limit)
    return OpenPairs(
        total=found.rows.num_rows,
        decided=found.decided,
        rows=rows.as_json(page),
        assets=named(engine, analysis.collection, page),
    )


@router.get(
    "/duplicates/plan",
    response_class=Response,
    responses={
        200: {
            "content": {media_type.split(";")[0]: {} for media_type in _MEDIA_TYPES.values()},
            "description": "The plan",
        }
    },
)
def write_plan(
    collection: COLLECTION,
    engine: ENGINE,
    format: PlanFormat = PlanFormat.CSV,
    analysis: Annotated[
        str | None,
        Query(description="Also what this run of `duplicates` suggests and nobody spoke against."),
    ] = None,
    copies: Annotated[
        bool, Query(description="With `analysis`: also spare files that are equal byte by byte.")
    ] = False,
) -> Response:
    """Write down which files could leave, and which stay in their place. Nothing is done.

    By default it has what was decided to be a duplicate, and nothing else."""
    collections.get(engine.store, collection)
    suggested, spare = [], []
    if analysis is not None:
        found = entries.named(engine.store, collection, analysis)
        suggested = proposals.suggestions(engine.access, found)
        spare = proposals.spare_copies(engine.access, found) if copies else []
    made = plan(engine.access, collection, suggested, spare)
    name = f"duplicates-{collection}.{format.value}"
    body = {
        PlanFormat.CSV: plan_files.as_csv,
        PlanFormat.SH: plan_files.as_script,
        PlanFormat.JSON: plan_files.as_json,
    }[format](made)
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
    return Response(body, media_type=_MEDIA_TYPES[format], headers=headers)
