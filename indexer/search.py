"""Answers questions: nearest by meaning, fused with words where that helps, grouped if asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from indexer import collections
from indexer.calibration import Calibrator, scale_of
from indexer.collections import Collection
from indexer.domain import (
    SPARSE,
    AssetId,
    Kind,
    NearestQuery,
    Space,
    SparseVector,
    Status,
)
from indexer.errors import InvalidQuery
from indexer.filters import Equals, Filter, HasId, Not, all_of
from indexer.fusion import fuse, interleave
from indexer.hits import Answer, Hit, grouped, hit_of, judged
from indexer.ledger import assets_where
from indexer.ports import Embedders, VectorStore
from indexer.queries import (
    MAX_REACH,
    Part,
    SearchQuery,
    check,
    choose_space,
    kinds_of,
    part_vectors,
    query_vector,
    unanswerable,
)
from indexer.readers.found import Limits
from indexer.relevance import Scale
from indexer.timing import Clock
from indexer.words import content_words

FUSION_DEPTH = 100
"""Hits of each ranking that fusion looks at, at least."""

_GROUP_WIDTH = 5
"""Passages fetched per group wanted: documents rarely take more of the top places."""


@dataclass(frozen=True, slots=True)
class Searcher:
    """What search needs."""

    store: VectorStore
    embedders: Embedders
    query_terms: Callable[[str], SparseVector]
    limits: Limits
    calibrator: Calibrator


def search(searcher: Searcher, collection_name: str, query: SearchQuery) -> Answer:
    """Answer a query. Raises `InvalidQuery`, `CollectionNotFound`, `AssetNotFound`."""
    check(query)
    clock = Clock()
    with clock("store"):
        collection = collections.get(searcher.store, collection_name)
        kinds = kinds_of(searcher.store, collection, query.parts)
    rankings: list[list[Hit]] = []
    vectors: dict[str, NDArray[np.float32]] = {}
    for found in [query.kind] if query.kind is not None else list(Kind):
        space = choose_space(collection, query, found, kinds)
        if space is None:
            continue
        if space.name not in vectors:
            with clock("model"):
                vectors[space.name] = part_vectors(
                    searcher.store,
                    searcher.embedders,
                    searcher.limits,
                    collection,
                    space,
                    query.parts,
                )
        parts = vectors[space.name]
        with clock("store"):
            ranking = _rank(searcher, collection, query, found, space, parts)
            scale = _scale(searcher, collection, query, kinds, space, parts, found)
        rankings.append(_relevant(searcher, ranking, scale, query)[: _depth(query)])
    if not vectors:
        needed = frozenset(kind for kind in kinds if kind is not None)
        raise InvalidQuery(unanswerable(collection, query, needed), collection=collection_name)
    hits = interleave(rankings)
    if query.group:
        hits = grouped(hits)
    return Answer(tuple(hits[query.offset : query.offset + query.limit]), clock.milliseconds)


def neighbours(
    searcher: Searcher,
    collection_name: str,
    id: AssetId,
    *,
    limit: int = 20,
    space: str | None = None,
) -> Answer:
    """Assets of the same Kind nearest to this one, itself left out."""
    parts = (Part(asset=id),)
    collection = collections.get(searcher.store, collection_name)
    (kind,) = kinds_of(searcher.store, collection, parts)
    query = SearchQuery(parts, kind=kind, space=space, limit=limit)
    return search(searcher, collection_name, query)


def _rank(
    searcher: Searcher,
    collection: Collection,
    query: SearchQuery,
    kind: Kind,
    space: Space,
    parts: NDArray[np.float32],
) -> list[Hit]:
    """Hits of one Kind, best first, enough of them for offset, limit and groups, or more."""
    vector = query_vector(query.parts, parts)
    condition = _condition(query, kind)
    dense = NearestQuery(
        space=space.name,
        vector=-vector if query.least else vector,
        limit=_depth(query),
        filter=condition,
        # From the far end, a minimum would cut off just what was asked for.
        min_score=None if query.least else query.min_score,
    )
    if kind is Kind.TEXT and _is_hybrid(query):
        return _hybrid(searcher, collection, query, dense, space, vector)
    (found,) = searcher.store.nearest(collection.name, [dense])
    sign = -1.0 if query.least else 1.0
    return [hit_of(point, sign * point.score, space, ("meaning",)) for point in found]


def _depth(query: SearchQuery) -> int:
    return min(MAX_REACH, (query.offset + query.limit) * (_GROUP_WIDTH if query.group else 1))


def _scale(
    searcher: Searcher,
    collection: Collection,
    query: SearchQuery,
    asked: Sequence[Kind | None],
    space: Space,
    parts: NDArray[np.float32],
    found: Kind,
) -> Scale | None:
    weights = [part.weight for part in query.parts]
    return scale_of(searcher.calibrator, collection, space, asked, weights, parts, found)


def _relevant(
    searcher: Searcher, hits: list[Hit], scale: Scale | None, query: SearchQuery
) -> list[Hit]:
    """The hits with their relevance; what lies below the least that is wanted is left out.

    From the far end nothing is left out, and without a scale there is nothing to judge by.
    """
    if scale is None:
        return hits
    told = judged(hits, scale, content_words(query.words or "", searcher.query_terms))
    if query.least or query.min_relevance is None:
        return told
    return [hit for hit in told if (hit.relevance or 0.0) >= query.min_relevance]


def _is_hybrid(query: SearchQuery) -> bool:
    if query.words is None:
        if query.hybrid:
            raise InvalidQuery("Only a query of nothing but text can be matched by words as well.")
        return False
    return query.hybrid is not False


def _hybrid(
    searcher: Searcher,
    collection: Collection,
    query: SearchQuery,
    dense: NearestQuery,
    space: Space,
    vector: NDArray[np.float32],
) -> list[Hit]:
    terms = searcher.query_terms(query.words or "")
    depth = max(dense.limit, FUSION_DEPTH)
    queries = [replace(dense, limit=depth, payload=False)]
    if terms.indices:
        queries.append(NearestQuery(SPARSE, terms, depth, filter=dense.filter, payload=False))
    rankings = [
        [(point.id, point.score) for point in ranking]
        for ranking in searcher.store.nearest(collection.name, queries)
    ]
    ids = [id for id, _ in fuse(rankings)]
    if query.min_score is None and query.min_relevance is None:
        ids = ids[: dense.limit]
    meant, worded = ({id for id, _ in ranking} for ranking in (*rankings, [])[:2])
    # What only its words brought here has a cosine as well: it is computed from its vector.
    points = searcher.store.get(collection.name, ids, spaces=(space.name,))
    scored = [
        (point, float(point.vectors[space.name] @ vector))
        for point in points
        if space.name in point.vectors
    ]
    return [
        hit_of(point, score, space, _matched(point.id in meant, point.id in worded))
        for point, score in scored
        if query.min_score is None or score >= query.min_score
    ]


def _matched(meaning: bool, words: bool) -> tuple[str, ...]:
    return (("meaning",) if meaning else ()) + (("words",) if words else ())


def _condition(query: SearchQuery, kind: Kind) -> Filter:
    asked = frozenset(part.asset for part in query.parts if part.asset is not None)
    return assets_where(
        Equals("status", Status.INDEXED.value),
        Equals("kind", kind.value),
        Not(HasId(asked)) if asked else None,
        all_of(query.filter),
    )
