"""What a search finds: hits, how relevant they are, and hits of one document together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from indexer.domain import Asset, ScoredPoint, Space, StoredPoint
from indexer.ledger import asset_from
from indexer.relevance import CLEAR, Scale
from indexer.spaces import Filling
from indexer.words import holds_all


@dataclass(frozen=True, slots=True)
class Hit:
    """An asset that was found.

    `score` is the cosine to the query in `space`, or BM25's where that is `bm25`; `matched` says
    why it is here: `meaning`, `words` or both. With grouping, `others` are further hits of the
    same document, best first.
    `relevance` is the score as a person can read it, from 0 to 1 (`indexer.relevance`), and at
    least 0.5 if the asset holds every word of the query; None while nothing is known of scores.
    """

    asset: Asset
    score: float
    space: str
    matched: tuple[str, ...]
    others: tuple[Hit, ...] = ()
    relevance: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Hits, best first, and where the time went (milliseconds by stage).

    `filling` are the Spaces asked in that are still being filled: what has no vector there yet
    cannot be found.
    """

    hits: tuple[Hit, ...]
    milliseconds: Mapping[str, float] = field(default_factory=dict)
    filling: tuple[Filling, ...] = ()


def hit_of(
    point: ScoredPoint | StoredPoint, score: float, space: Space, matched: tuple[str, ...]
) -> Hit:
    return Hit(asset_from(point.id, point.payload), score, space.name, matched)


def judged(hits: Sequence[Hit], scale: Scale, words: Sequence[str]) -> list[Hit]:
    """The hits with their relevance; `words` are those that a query of nothing but text has."""
    return [replace(hit, relevance=_relevance(hit, scale, words)) for hit in hits]


def _relevance(hit: Hit, scale: Scale, words: Sequence[str]) -> float:
    relevance = scale.relevance(hit.score)
    if relevance < CLEAR and "words" in hit.matched and holds_all(hit.asset.text or "", words):
        # A name or a number says little to a model of meaning; where it is written, it is there.
        return CLEAR
    return relevance


def grouped(hits: Sequence[Hit]) -> list[Hit]:
    """The best hit of each document, in its place, with the document's other hits inside."""
    groups: dict[str, list[Hit]] = {}
    for hit in hits:
        source = hit.asset.sources[0] if hit.asset.sources else None
        groups.setdefault(source.document if source else hit.asset.id, []).append(hit)
    return [replace(best, others=tuple(others)) for best, *others in groups.values()]
