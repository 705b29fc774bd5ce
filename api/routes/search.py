"""Search, and what is near an asset."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.deps import COLLECTION, ENGINE
from api.schemas.search import Found, Search
from indexer import search as engine_search
from indexer.hits import Answer

router = APIRouter(prefix="/collections/{collection}", tags=["search"])


@router.post("/search")
def search(collection: COLLECTION, question: Search, engine: ENGINE, response: Response) -> Found:
    """Find what is nearest in meaning to texts, pictures, assets or vectors, or far from them."""
    start = time.perf_counter()
    query = question.query()
    answer = engine_search.search(engine.searcher, collection, query)
    return _told(collection, answer, query.words, start, response)


@router.get("/assets/{id}/neighbours")
def list_neighbours(
    collection: COLLECTION,
    id: str,
    engine: ENGINE,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=1000)] = 20,
    space: str | None = None,
) -> Found:
    """Find the assets of the same kind nearest to this one."""
    start = time.perf_counter()
    answer = engine_search.neighbours(engine.searcher, collection, id, limit=limit, space=space)
    return _told(collection, answer, None, start, response)


def _told(
    collection: str, answer: Answer, words: str | None, start: float, response: Response
) -> Found:
    found = Found.of(collection, answer, words)
    found.milliseconds["total"] = (time.perf_counter() - start) * 1000
    response.headers["Server-Timing"] = ", ".join(
        f"{stage};dur={spent:.2f}" for stage, spent in found.milliseconds.items()
    )
    return found
