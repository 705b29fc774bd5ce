"""Answers questions: nearest by meaning, fused with words where that helps, grouped if asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from indexer import collections
from indexer.calibration import Calibrator, scale_of
from indexer.choosing import WORDS, choose_space, unanswerable
from indexer.collections import Collection
from indexer.domain import AssetId, Kind, Space, SparseVector
from indexer.fusion import interleave
from indexer.hits import Answer, Hit, grouped, judged
from indexer.observing import Observers
from indexer.ports import Embedders, VectorStore
from indexer.queries import (
    Part,
    SearchQuery,
    check,
    is_hybrid,
    kinds_of,
    part_vectors,
    query_vector,
)
from indexer.rankings import by_both, by_meaning, by_words, depth
from indexer.readers.found import Limits
from indexer.relevance import Scale
from indexer.spaces import filling
from indexer.timing import Clock
from indexer.words import content_words

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Searcher:
    """What search needs."""

    store: VectorStore
    embedders: Embedders
    query_terms: Callable[[str], SparseVector]
    limits: Limits
    calibrator: Calibrator
    observers: Observers = field(default_factory=Observers)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query with what is known of it on the way: the Kinds asked with, vectors by Space."""

    collection: Collection
    query: SearchQuery
    kinds: Sequence[Kind | None]
    clock: Clock
    vectors: dict[str, Vectors] = field(default_factory=dict)


def search(searcher: Searcher, collection_name: str, query: SearchQuery) -> Answer:
    """Answer a query. Raises `InvalidQuery`, `CollectionNotFound`, `AssetNotFound`."""
    check(query)
    observers, start = searcher.observers, time.perf_counter()
    clock = Clock(lambda stage: observers.span(f"search {stage}"))
    with observers.span("search", {"collection": collection_name}):
        answer = _answer(searcher, collection_name, query, clock)
    seconds = {stage: spent / 1000 for stage, spent in clock.milliseconds.items()}
    observers.searched(seconds, time.perf_counter() - start)
    return answer


def _answer(searcher: Searcher, collection_name: str, query: SearchQuery, clock: Clock) -> Answer:
    with clock("store"):
        collection = collections.get(searcher.store, collection_name)
        kinds = kinds_of(searcher.store, collection, query.parts)
    asked = _Asked(collection, query, kinds, clock)
    targets = [query.kind] if query.kind is not None else list(Kind)
    chosen = [(target, choose_space(collection, query, target, kinds)) for target in targets]
    spaces = {target: space for target, space in chosen if space is not None}
    if not spaces:
        raise unanswerable(collection, query, kinds)
    hits = interleave([_ranking(searcher, asked, kind, space) for kind, space in spaces.items()])
    if query.group:
        hits = grouped(hits)
    with clock("store"):
        partly = {space.name: space for space in spaces.values() if space.filling}
        counts = [filling(searcher.store, collection_name, space) for space in partly.values()]
    page = hits[query.offset : query.offset + query.limit]
    return Answer(tuple(page), clock.milliseconds, tuple(counts))


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


def _ranking(searcher: Searcher, asked: _Asked, kind: Kind, space: Space) -> list[Hit]:
    """Hits of one Kind with their relevance, best first."""
    store, query, name = searcher.store, asked.query, asked.collection.name
    if space is WORDS:
        with asked.clock("store"):
            return by_words(store, name, query, searcher.query_terms(query.words or ""))
    parts = _vectors(searcher, asked, space)
    vector = query_vector(query.parts, parts)
    with asked.clock("store"):
        if kind is Kind.TEXT and is_hybrid(query):
            terms = searcher.query_terms(query.words or "")
            hits = by_both(store, name, query, space, vector, terms)
        else:
            hits = by_meaning(store, name, query, kind, space, vector)
        weights = [part.weight for part in query.parts]
        scale = scale_of(
            searcher.calibrator, asked.collection, space, asked.kinds, weights, parts, kind
        )
    return _relevant(searcher, hits, scale, query)[: depth(query)]


def _vectors(searcher: Searcher, asked: _Asked, space: Space) -> Vectors:
    """The parts of the query in a Space, (parts, dimension); computed once."""
    if space.name not in asked.vectors:
        with asked.clock("model"):
            asked.vectors[space.name] = part_vectors(
                searcher.store,
                searcher.embedders,
                searcher.limits,
                asked.collection,
                space,
                asked.query.parts,
            )
    return asked.vectors[space.name]


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
