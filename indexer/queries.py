"""What can be asked, and how the parts of a question become one vector in a Space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer import collections, images
from indexer.collections import Collection
from indexer.domain import AssetId, Kind, Space
from indexer.errors import AssetNotFound, InvalidQuery
from indexer.filters import Filter
from indexer.ports import Embedder, Embedders, VectorStore
from indexer.readers.found import Limits

Vector = NDArray[np.float32]

MAX_REACH = 10_000
"""Largest offset + limit: beyond it a ranking says nothing, and memory grows."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing to be like, or with a negative weight unlike: exactly one of the four is given.

    `image` is an encoded picture; `asset` the id of an indexed asset; `vector` a raw one.
    """

    text: str | None = None
    image: bytes | None = None
    asset: AssetId | None = None
    vector: tuple[float, ...] | None = None
    weight: float = 1.0

    @property
    def kind(self) -> Kind | None:
        """The Kind that must be embedded to answer, if any."""
        if self.text is not None:
            return Kind.TEXT
        return Kind.IMAGE if self.image is not None else None


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A question to one Collection.

    kind: only assets of this Kind (both, fused by rank, if None); space: where to compare (chosen
    by Kind if None); min_score: least cosine; min_relevance: least relevance, from 0 to 1;
    group: one hit a document, with its other passages; least: the least similar first; hybrid:
    fuse with BM25 for texts (None: where it helps).
    """

    parts: tuple[Part, ...]
    kind: Kind | None = None
    space: str | None = None
    filter: Filter | None = None
    limit: int = 20
    offset: int = 0
    min_score: float | None = None
    min_relevance: float | None = None
    group: bool = False
    least: bool = False
    hybrid: bool | None = None

    @property
    def words(self) -> str | None:
        """The question as text, if it is nothing but text to be like; else None."""
        if self.least or any(part.text is None or part.weight <= 0 for part in self.parts):
            return None
        return " ".join(part.text or "" for part in self.parts)


def check(query: SearchQuery) -> None:
    """Raise `InvalidQuery`, naming what is wrong and what to do instead."""
    if not query.parts:
        raise InvalidQuery("A search needs something to search for: text, image, asset or vector.")
    for part in query.parts:
        given = [part.text, part.image, part.asset, part.vector]
        if sum(value is not None for value in given) != 1:
            raise InvalidQuery("Each part of a query is one of text, image, asset or vector.")
        if part.text is not None and not part.text.strip():
            raise InvalidQuery("The text to search for is empty.")
        if not np.isfinite(part.weight) or part.weight == 0 or abs(part.weight) > 1000:
            raise InvalidQuery(f"A weight is a number other than 0, not {part.weight}.")
    if not 1 <= query.limit <= MAX_REACH or query.offset < 0:
        raise InvalidQuery(f"The limit lies between 1 and {MAX_REACH}, the offset from 0.")
    if query.min_relevance is not None and not 0 <= query.min_relevance <= 1:
        raise InvalidQuery(f"The least relevance lies from 0 to 1, not {query.min_relevance}.")
    if query.offset + query.limit > MAX_REACH:
        raise InvalidQuery(f"Hits beyond the first {MAX_REACH} are out of reach; add a filter.")


def is_hybrid(query: SearchQuery) -> bool:
    """True if texts are to be matched by words as well. Raises `InvalidQuery` if they cannot be."""
    if query.words is None:
        if query.hybrid:
            raise InvalidQuery("Only a query of nothing but text can be matched by words as well.")
        return False
    return query.hybrid is not False


def kinds_of(
    store: VectorStore, collection: Collection, parts: Sequence[Part]
) -> tuple[Kind | None, ...]:
    """The Kind of each part; None for a raw vector. Raises `AssetNotFound`."""
    ids = [part.asset for part in parts if part.asset is not None]
    found = {point.id: point for point in store.get(collection.name, ids)} if ids else {}
    kinds: list[Kind | None] = []
    for part in parts:
        if part.asset is None:
            kinds.append(part.kind)
            continue
        kind = found[part.asset].payload.get("kind") if part.asset in found else None
        if kind is None:
            raise AssetNotFound(
                f"There is no asset {part.asset} in collection {collection.name!r}.",
                asset=part.asset,
            )
        kinds.append(Kind(str(kind)))
    return tuple(kinds)


def part_vectors(
    store: VectorStore,
    embedders: Embedders,
    limits: Limits,
    collection: Collection,
    space: Space,
    parts: Sequence[Part],
) -> Vector:
    """The parts as unit vectors, shape (parts, dimension).

    Raises `InvalidQuery`, and `AssetNotFound` for ids that are not there.
    """
    embedder = None
    if any(part.kind is not None for part in parts):
        embedder = collections.embedder_of(embedders, collection, space)
    return np.stack(
        [_part_vector(store, embedder, limits, collection, space, part) for part in parts]
    )


def query_vector(parts: Sequence[Part], vectors: Vector) -> Vector:
    """The weighted sum of the parts' unit vectors, as a unit vector of shape (dimension,).

    Negative weights push away, after Rocchio (1971). Raises `InvalidQuery` if they cancel out.
    """
    total = np.array([part.weight for part in parts], dtype=np.float32) @ vectors
    length = float(np.linalg.norm(total))
    if length < 1e-6:
        raise InvalidQuery("The parts of the query cancel each other out; change their weights.")
    return np.asarray(total / length, dtype=np.float32)


def _part_vector(
    store: VectorStore,
    embedder: Embedder | None,
    limits: Limits,
    collection: Collection,
    space: Space,
    part: Part,
) -> Vector:
    if part.asset is not None:
        return _stored_vector(store, collection, space, part.asset)
    if part.vector is not None:
        return _raw_vector(space, part.vector)
    assert embedder is not None
    if part.text is not None:
        return np.asarray(embedder.embed_queries([part.text])[0], dtype=np.float32)
    picture = images.decode(part.image or b"", min_side=embedder.image_size, limits=limits)
    return np.asarray(embedder.embed_images([embedder.prepare(picture)])[0], dtype=np.float32)


def _stored_vector(store: VectorStore, collection: Collection, space: Space, id: AssetId) -> Vector:
    points = store.get(collection.name, [id], spaces=[space.name])
    if not points:
        raise AssetNotFound(f"There is no asset {id} in collection {collection.name!r}.", asset=id)
    vector = points[0].vectors.get(space.name)
    if vector is None:
        raise InvalidQuery(
            f"Asset {id} has no vector in space {space.name!r}: it is "
            f"{points[0].payload.get('status')}{_why_none(space)}.",
            asset=id,
        )
    return vector


def _why_none(space: Space) -> str:
    filling = ", and the space is still being filled" if space.filling else ""
    return ", and none was imported for it" if space.is_imported else filling


def _raw_vector(space: Space, values: Sequence[float]) -> Vector:
    vector = np.asarray(values, dtype=np.float32)
    if vector.shape != (space.dimension,) or not np.isfinite(vector).all():
        raise InvalidQuery(
            f"A vector for space {space.name!r} has {space.dimension} finite numbers; "
            f"this one has {vector.size}.",
            space=space.name,
        )
    length = float(np.linalg.norm(vector))
    if length == 0:
        raise InvalidQuery("A vector of zeros points nowhere; give another.")
    return np.asarray(vector / length, dtype=np.float32)
