"""Answers questions: nearest by meaning, fused with words where that helps, grouped if asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from indexer import collections
from indexer.collections import Collection
from indexer.domain import (
    SPARSE,
    Asset,
    AssetId,
    Kind,
    NearestQuery,
    ScoredPoint,
    Space,
    SparseVector,
    Status,
    StoredPoint,
)
from indexer.errors import InvalidQuery
from indexer.filters import Equals, Filter, HasId, Not, all_of
from indexer.fusion import fuse, interleave
from indexer.ledger import asset_from, assets_where
from indexer.ports import Embedders, VectorStore
from indexer.queries import (
    MAX_REACH,
    WORDS,
    Part,
    SearchQuery,
    check,
    choose_space,
    is_hybrid,
    needed_kinds,
    no_space,
    query_vector,
)
from indexer.readers.found import Limits
from indexer.spaces import Filling, filling
from indexer.timing import Clock

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


@dataclass(frozen=True, slots=True)
class Hit:
    """An asset that was found.

    `score` is the cosine to the query in `space`; `matched` says why it is here: `meaning`,
    `words` or both. With grouping, `others` are further hits of the same document, best first.
    """

    asset: Asset
    score: float
    space: str
    matched: tuple[str, ...]
    others: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Hits, best first, and where the time went (milliseconds by stage).

    `filling` are the Spaces asked in that are still being filled: what has no vector there yet
    cannot be found.
    """

    hits: tuple[Hit, ...]
    milliseconds: Mapping[str, float] = field(default_factory=dict)
    filling: tuple[Filling, ...] = ()


def search(searcher: Searcher, collection_name: str, query: SearchQuery) -> Answer:
    """Answer a query. Raises `InvalidQuery`, `CollectionNotFound`, `AssetNotFound`."""
    check(query)
    clock = Clock()
    with clock("store"):
        collection = collections.get(searcher.store, collection_name)
        needed = needed_kinds(searcher.store, collection, query.parts)
    rankings: list[list[Hit]] = []
    asked: dict[str, Space] = {}
    vectors: dict[str, NDArray[np.float32]] = {}
    for kind in [query.kind] if query.kind is not None else list(Kind):
        space = choose_space(collection, query, kind, needed)
        if space is None:
            continue
        asked[space.name] = space
        if space is WORDS:
            with clock("store"):
                rankings.append(_by_words(searcher, collection_name, query))
            continue
        if space.name not in vectors:
            with clock("model"):
                vectors[space.name] = query_vector(
                    searcher.store,
                    searcher.embedders,
                    searcher.limits,
                    collection,
                    space,
                    query.parts,
                )
        with clock("store"):
            rankings.append(_rank(searcher, collection, query, kind, space, vectors[space.name]))
    if not asked:
        raise InvalidQuery(no_space(collection, query), collection=collection_name)
    hits = interleave(rankings)
    if query.group:
        hits = _group(hits)
    with clock("store"):
        partly = [filling(searcher.store, collection_name, s) for s in asked.values() if s.filling]
    page = hits[query.offset : query.offset + query.limit]
    return Answer(tuple(page), clock.milliseconds, tuple(partly))


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
    (kind,) = needed_kinds(searcher.store, collection, parts)
    query = SearchQuery(parts, kind=kind, space=space, limit=limit)
    return search(searcher, collection_name, query)


def _rank(
    searcher: Searcher,
    collection: Collection,
    query: SearchQuery,
    kind: Kind,
    space: Space,
    vector: NDArray[np.float32],
) -> list[Hit]:
    """Hits of one Kind, best first, enough of them for offset, limit and groups."""
    depth = min(MAX_REACH, (query.offset + query.limit) * (_GROUP_WIDTH if query.group else 1))
    condition = _condition(query, kind)
    dense = NearestQuery(
        space=space.name,
        vector=-vector if query.least else vector,
        limit=depth,
        filter=condition,
        # From the far end, a minimum would cut off just what was asked for.
        min_score=None if query.least else query.min_score,
    )
    if kind is Kind.TEXT and is_hybrid(query):
        return _hybrid(searcher, collection, query, dense, space, vector)
    (found,) = searcher.store.nearest(collection.name, [dense])
    sign = -1.0 if query.least else 1.0
    return [_hit(point, sign * point.score, space, ("meaning",)) for point in found]


def _by_words(searcher: Searcher, collection: str, query: SearchQuery) -> list[Hit]:
    """Texts by BM25 alone, best first."""
    terms = searcher.query_terms(query.words or "")
    if not terms.indices:
        return []
    depth = min(MAX_REACH, (query.offset + query.limit) * (_GROUP_WIDTH if query.group else 1))
    condition = _condition(query, Kind.TEXT)
    nearest = NearestQuery(SPARSE, terms, depth, filter=condition, min_score=query.min_score)
    (found,) = searcher.store.nearest(collection, [nearest])
    return [_hit(point, point.score, WORDS, ("words",)) for point in found]


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
    if query.min_score is None:
        ids = ids[: dense.limit]
    meant, worded = ({id for id, _ in ranking} for ranking in (*rankings, [])[:2])
    # What only its words brought here has a cosine as well: it is computed from its vector.
    points = searcher.store.get(collection.name, ids, spaces=(space.name,))
    scored = [
        (point, float(point.vectors[space.name] @ vector))
        for point in points
        if space.name in point.vectors
    ]
    hits = [
        _hit(point, score, space, _matched(point.id in meant, point.id in worded))
        for point, score in scored
        if query.min_score is None or score >= query.min_score
    ]
    return hits[: dense.limit]


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


def _group(hits: Sequence[Hit]) -> list[Hit]:
    """The best hit of each document, in its place, with the document's other hits inside."""
    groups: dict[str, list[Hit]] = {}
    for hit in hits:
        source = hit.asset.sources[0] if hit.asset.sources else None
        groups.setdefault(source.document if source else hit.asset.id, []).append(hit)
    return [replace(best, others=tuple(others)) for best, *others in groups.values()]


def _hit(
    point: ScoredPoint | StoredPoint, score: float, space: Space, matched: tuple[str, ...]
) -> Hit:
    return Hit(asset_from(point.id, point.payload), score, space.name, matched)
