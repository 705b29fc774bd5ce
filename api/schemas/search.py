"""What can be asked, and hits."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from pydantic import Field

from api.schemas.assets import SourceTold, content_url, thumbnail_url
from api.schemas.base import FilterJson, Question, Told
from api.snippets import snippet
from indexer.domain import Kind
from indexer.errors import InvalidQuery
from indexer.filter_json import parse_filter
from indexer.hits import Answer, Hit
from indexer.queries import Part, SearchQuery


class Likeness(Question):
    """One thing to be like; exactly one of the four."""

    text: str | None = Field(None, max_length=20_000, examples=["a red boat at sunset"])
    image: str | None = Field(None, description="An encoded picture, in base64.")
    asset: str | None = Field(None, description="The id of an indexed asset.")
    vector: list[float] | None = Field(None, max_length=65_536)

    def parts(self, weight: float, place: str) -> list[Part]:
        """One `Part` for each of the four that is given."""
        return [
            *([Part(text=self.text, weight=weight)] if self.text is not None else []),
            *(
                [Part(image=_decoded(self.image, place), weight=weight)]
                if self.image is not None
                else []
            ),
            *([Part(asset=self.asset, weight=weight)] if self.asset is not None else []),
            *([Part(vector=tuple(self.vector), weight=weight)] if self.vector is not None else []),
        ]


class Weighted(Likeness):
    """One part of a question, and how much it counts."""

    weight: float = Field(1.0, gt=0, le=1000)


class Search(Likeness):
    """A question: one thing, or several parts together, and what to stay away from."""

    parts_wanted: list[Weighted] = Field([], alias="parts", max_length=64)
    parts_unwanted: list[Weighted] = Field([], alias="not", max_length=64)
    kind: Kind | None = Field(None, strict=False, description="Only assets of this kind.")
    space: str | None = Field(
        None,
        description="Where to compare; chosen by kind if not given. `bm25`: texts, by words alone.",
    )
    filter: FilterJson = None
    limit: int = Field(20, ge=1, le=1000)
    offset: int = Field(0, ge=0, le=10_000)
    min_score: float | None = Field(None, ge=-1, le=1, description="Least cosine.")
    min_relevance: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Least relevance; 0.5 leaves clear matches only, and may leave nothing.",
        examples=[0.5],
    )
    group: bool = Field(False, description="One hit a document, its others inside.")
    least: bool = Field(False, description="The least similar first.")
    hybrid: bool | None = Field(
        None, description="Match texts by words as well; where it helps, if not given."
    )

    def query(self) -> SearchQuery:
        """The engine's query. Raises `InvalidInput`, `InvalidQuery`."""
        parts = self.parts(1.0, "image")
        for number, part in enumerate(self.parts_wanted):
            parts += _one(part, part.weight, f"parts[{number}]")
        for number, part in enumerate(self.parts_unwanted):
            parts += _one(part, -part.weight, f"not[{number}]")
        return SearchQuery(
            parts=tuple(parts),
            kind=self.kind,
            space=self.space,
            filter=None if self.filter is None else parse_filter(self.filter),
            limit=self.limit,
            offset=self.offset,
            min_score=self.min_score,
            min_relevance=self.min_relevance,
            group=self.group,
            least=self.least,
            hybrid=self.hybrid,
        )


class HitTold(Told):
    """An asset that was found, and why."""

    id: str
    kind: Kind
    score: float = Field(
        description="Cosine to the question in `space`; where that is `bm25`, the score of BM25.",
        examples=[0.312],
    )
    relevance: float | None = Field(
        description="What the score means here, from 0 to 1: from 0.5 it is a clear match. Null "
        "while nothing is known of scores in this space.",
        examples=[0.84],
    )
    space: str
    matched: list[str] = Field(description="meaning, words, or both.")
    source: SourceTold | None = Field(description="The first place where it was found.")
    sources: int = Field(description="In how many places it was found.")
    media_type: str
    width: int | None
    height: int | None
    metadata: dict[str, Any]
    text: str | None
    snippet: str | None = Field(description="About 300 characters around the words that match.")
    highlights: list[tuple[int, int]] = Field(
        description="Where they are in the snippet, in characters (Unicode code points)."
    )
    thumbnail_url: str | None
    content_url: str
    others: list[HitTold] = Field(description="With `group`: further hits of the same document.")

    @classmethod
    def of(cls, collection: str, hit: Hit, words: str | None) -> HitTold:
        asset = hit.asset
        shown = None if asset.text is None else snippet(asset.text, words or "")
        return cls(
            id=asset.id,
            kind=asset.kind,
            score=hit.score,
            relevance=hit.relevance,
            space=hit.space,
            matched=list(hit.matched),
            source=SourceTold.of(asset.sources[0]) if asset.sources else None,
            sources=len(asset.sources),
            media_type=asset.media_type,
            width=asset.width,
            height=asset.height,
            metadata=dict(asset.metadata),
            text=asset.text,
            snippet=shown.text if shown is not None else None,
            highlights=list(shown.highlights) if shown is not None else [],
            thumbnail_url=thumbnail_url(collection, asset),
            content_url=content_url(collection, asset),
            others=[cls.of(collection, other, words) for other in hit.others],
        )


class PartlyFilled(Told):
    """A space that is still being filled: what has no vector there yet cannot be found."""

    space: str
    vectors: int
    wanted: int


class Found(Told):
    """Hits, best first, and where the time went."""

    hits: list[HitTold]
    filling: list[PartlyFilled] = Field(
        description="Spaces asked in that are still being filled; empty if all are complete."
    )
    milliseconds: dict[str, float] = Field(
        examples=[{"model": 5.1, "store": 1.2, "total": 6.9}],
        description="By stage: model, store, and the total inside the server.",
    )

    @classmethod
    def of(cls, collection: str, answer: Answer, words: str | None) -> Found:
        return cls(
            hits=[HitTold.of(collection, hit, words) for hit in answer.hits],
            filling=[
                PartlyFilled(space=one.space.name, vectors=one.vectors, wanted=one.wanted or 0)
                for one in answer.filling
            ],
            milliseconds=dict(answer.milliseconds),
        )


def _one(likeness: Likeness, weight: float, place: str) -> Sequence[Part]:
    parts = likeness.parts(weight, f"{place}.image")
    if len(parts) != 1:
        raise InvalidQuery(
            f"{place} holds {len(parts)} of text, image, asset and vector; it needs exactly one.",
            field=place,
        )
    return parts


def _decoded(image: str, place: str) -> bytes:
    # What a browser reads from a file comes as data:image/…;base64,…
    _, comma, rest = image.partition(",")
    try:
        return base64.b64decode(rest if comma else image, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidQuery(
            f"{place} is not base64; send the bytes of a picture file encoded so.", field=place
        ) from error
