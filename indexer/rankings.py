"""Rankings of assets of one Kind: by meaning, by words, and by both."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from indexer.choosing import WORDS
from indexer.domain import SPARSE, Kind, NearestQuery, Space, SparseVector, Status
from indexer.filters import Equals, Filter, HasId, Not, all_of
from indexer.fusion import fuse
from indexer.hits import Hit, hit_of
from indexer.ledger import assets_where
from indexer.ports import VectorStore
from indexer.queries import MAX_REACH, SearchQuery

FUSION_DEPTH = 100
"""Hits of each ranking that fusion looks at, at least."""

_GROUP_WIDTH = 5
"""Passages fetched per group wanted: documents rarely take more of the top places."""

Vector = NDArray[np.float32]


def depth(query: SearchQuery) -> int:
    """How many hits of a Kind are enough for offset, limit and groups."""
    return min(MAX_REACH, (query.offset + query.limit) * (_GROUP_WIDTH if query.group else 1))


def by_meaning(
    store: VectorStore,
    collection: str,
    query: SearchQuery,
    kind: Kind,
    space: Space,
    vector: Vector,
) -> list[Hit]:
    """Nearest first, or with `least` farthest first; scores are cosines."""
    nearest = _dense(query, kind, space, vector)
    (found,) = store.nearest(collection, [nearest])
    sign = -1.0 if query.least else 1.0
    return [hit_of(point, sign * point.score, space, ("meaning",)) for point in found]


def by_words(
    store: VectorStore, collection: str, query: SearchQuery, terms: SparseVector
) -> list[Hit]:
    """Texts by BM25 alone, best first; none if no term is left of the question."""
    if not terms.indices:
        return []
    condition = _condition(query, Kind.TEXT)
    nearest = NearestQuery(SPARSE, terms, depth(query), filter=condition, min_score=query.min_score)
    (found,) = store.nearest(collection, [nearest])
    return [hit_of(point, point.score, WORDS, ("words",)) for point in found]


def by_both(
    store: VectorStore,
    collection: str,
    query: SearchQuery,
    space: Space,
    vector: Vector,
    terms: SparseVector,
) -> list[Hit]:
    """Texts by meaning and words, fused by rank; scores are cosines. May be more than `depth`."""
    dense = _dense(query, Kind.TEXT, space, vector)
    deep = max(dense.limit, FUSION_DEPTH)
    queries = [replace(dense, limit=deep, payload=False)]
    if terms.indices:
        queries.append(NearestQuery(SPARSE, terms, deep, filter=dense.filter, payload=False))
    rankings = [
        [(point.id, point.score) for point in ranking]
        for ranking in store.nearest(collection, queries)
    ]
    ids = [id for id, _ in fuse(rankings)]
    if query.min_score is None and query.min_relevance is None:
        ids = ids[: dense.limit]
    meant, worded = ({id for id, _ in ranking} for ranking in (*rankings, [])[:2])
    # What only its words brought here has a cosine as well: it is computed from its vector.
    scored = [
        (point, float(point.vectors[space.name] @ vector))
        for point in store.get(collection, ids, spaces=(space.name,))
        if space.name in point.vectors
    ]
    return [
        hit_of(point, score, space, _matched(point.id in meant, point.id in worded))
        for point, score in scored
        if query.min_score is None or score >= query.min_score
    ]


def _dense(query: SearchQuery, kind: Kind, space: Space, vector: Vector) -> NearestQuery:
    return NearestQuery(
        space=space.name,
        vector=-vector if query.least else vector,
        limit=depth(query),
        filter=_condition(query, kind),
        # From the far end, a minimum would cut off just what was asked for.
        min_score=None if query.least else query.min_score,
    )


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
