"""Analyses in the ledger: written when they are asked for, and once more when they end.

In between only progress is written, and by a person the end. The entries of a Collection are the
versions of its analyses: none replaces another.
"""

from __future__ import annotations

import uuid
from typing import cast

from indexer import shortened
from indexer.analysis.entry import ENDED, Analysis, Request, State, analysis_from, payload_of
from indexer.domain import AssetId, Entry, Payload, Point, Reason
from indexer.errors import AnalysisNotFound, Conflict
from indexer.filters import All, Equals, Exists, Filter, Not, all_of
from indexer.ledger import now, reason_payload, scroll_all
from indexer.ports import VectorStore

_OPEN = All((Not(Exists("finished_at")), Not(Exists("cancelled_at"))))


def new(collection: str, request: Request, fingerprint: str) -> Analysis:
    """One that is in no ledger yet."""
    return Analysis(str(uuid.uuid4()), collection, request, fingerprint, now())


def keep(store: VectorStore, analysis: Analysis) -> Analysis:
    """Write a new analysis into the ledger, to be run or with what came of it."""
    store.insert(analysis.collection, [Point(analysis.id, payload_of(analysis))])
    return analysis


def get(store: VectorStore, collection: str, id: AssetId) -> Analysis:
    """Raises `AnalysisNotFound`."""
    points = store.get(collection, [id])
    if not points or points[0].payload.get("entry") != Entry.ANALYSIS.value:
        raise _missing(collection, id)
    return analysis_from(collection, points[0])


def named(store: VectorStore, collection: str, name: str) -> Analysis:
    """The analysis with this id, or the only one whose id begins so.

    Raises `AnalysisNotFound`, and `InvalidInput` naming the candidates if there are several.
    """
    return shortened.named(
        "an analysis",
        name,
        lambda id: get(store, collection, id),
        lambda: every(store, collection),
        lambda id: _missing(collection, id),
    )


def every(
    store: VectorStore, collection: str, name: str | None = None, condition: Filter | None = None
) -> list[Analysis]:
    """All analyses of a Collection, or those of one name, newest first."""
    of_name = None if name is None else Equals("name", name)
    asked = all_of(Equals("entry", Entry.ANALYSIS.value), of_name, condition)
    found = [analysis_from(collection, point) for point in scroll_all(store, collection, asked)]
    return sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)


def earlier(store: VectorStore, like: Analysis, name: str) -> list[Analysis]:
    """Analyses of that name that were done over the same assets in the same Space, newest first."""
    return [
        one
        for one in every(store, like.collection, name)
        if one.state is State.DONE and one.id != like.id and _same_scope(one, like)
    ]


def latest(store: VectorStore, like: Analysis, name: str) -> Analysis | None:
    """The last of them."""
    return next(iter(earlier(store, like, name)), None)


def unfinished(
    store: VectorStore, collection: str, condition: Filter | None = None
) -> list[Analysis]:
    """Analyses that have not ended; oldest first."""
    unended = all_of(Not(Exists("finished_at")), Not(Exists("cancelled_at")), condition)
    return every(store, collection, condition=unended)[::-1]


def write(store: VectorStore, analysis: Analysis, **changes: object) -> None:
    """Write these of its payload keys; None removes one."""
    store.set_payload(analysis.collection, {analysis.id: cast("Payload", changes)})


def write_unless_ended(store: VectorStore, analysis: Analysis, **changes: object) -> None:
    """The same, unless it has ended by the moment of writing; reading back tells."""
    payload = cast("Payload", changes)
    store.set_payload(analysis.collection, {analysis.id: payload}, only=_OPEN)


def cancel(store: VectorStore, analysis: Analysis) -> Analysis:
    """Ask for its end: it stops at its next step. Raises `Conflict` if it has ended."""
    if analysis.state in ENDED:
        raise Conflict(
            f"Analysis {analysis.id} has ended already: it is {analysis.state.value}.",
            analysis=analysis.id,
        )
    write_unless_ended(store, analysis, cancelled_at=now(), step=None)
    there = get(store, analysis.collection, analysis.id)
    if there.state is not State.CANCELLED:
        return cancel(store, there)
    return there


def fail(store: VectorStore, analysis: Analysis, reason: Reason) -> None:
    """Note why it did not come to an end; durable on return."""
    write(store, analysis, finished_at=now(), reason=reason_payload(reason), step=None, lease=None)
    store.flush(analysis.collection)


def _same_scope(one: Analysis, other: Analysis) -> bool:
    def scope(analysis: Analysis) -> tuple[object, ...]:
        asked = analysis.request
        return (asked.space, analysis.fingerprint, asked.kind, asked.filter, asked.within)

    return scope(one) == scope(other)


def _missing(collection: str, id: str) -> AnalysisNotFound:
    return AnalysisNotFound(
        f"There is no analysis {id} in collection {collection!r}; `semblance analyses list` "
        "shows those there are.",
        collection=collection,
        analysis=id,
    )
