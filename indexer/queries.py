"""What can be asked, and how the parts of a question become one vector in a Space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer import collections, images
from indexer.collections import Collection
from indexer.domain import SPARSE, AssetId, Kind, Space
from indexer.errors import AssetNotFound, InvalidQuery
from indexer.filters import Filter
from indexer.ports import Embedder, Embedders, VectorStore
from indexer.readers.found import Limits

Vector = NDArray[np.float32]

MAX_REACH = 10_000
"""Largest offset + limit: beyond it a ranking says nothing, and memory grows."""


WORDS = Space(SPARSE, 0, "", "", frozenset({Kind.TEXT}))
"""Stands where texts are found by their words alone; the score is then that of BM25."""


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
    by Kind if None); min_score: least cosine; group: one hit a document, with its other passages;
    least: the least similar first; hybrid: fuse with BM25 for texts (None: where it helps).
    """

    parts: tuple[Part, ...]
    kind: Kind | None = None
    space: str | None = None
    filter: Filter | None = None
    limit: int = 20
    offset: int = 0
    min_score: float | None = None
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
    if query.offset + query.limit > MAX_REACH:
        raise InvalidQuery(f"Hits beyond the first {MAX_REACH} are out of reach; add a filter.")


def is_hybrid(query: SearchQuery) -> bool:
    """True if texts are to be matched by words as well. Raises `InvalidQuery` if they cannot be."""
    if query.words is None:
        if query.hybrid:
            raise InvalidQuery("Only a query of nothing but text can be matched by words as well.")
        return False
    return query.hybrid is not False


def needed_kinds(
    store: VectorStore, collection: Collection, parts: Sequence[Part]
) -> frozenset[Kind]:
    """The Kinds that a Space must hold to compare these parts. Raises `AssetNotFound`."""
    needed = {part.kind for part in parts if part.kind is not None}
    ids = [part.asset for part in parts if part.asset is not None]
    found = {point.id: point for point in store.get(collection.name, ids)} if ids else {}
    for id in ids:
        kind = found[id].payload.get("kind") if id in found else None
        if kind is None:
            raise AssetNotFound(
                f"There is no asset {id} in collection {collection.name!r}.", asset=id
            )
        needed.add(Kind(str(kind)))
    return frozenset(needed)


def choose_space(
    collection: Collection, query: SearchQuery, target: Kind, needed: frozenset[Kind]
) -> Space | None:
    """The Space in which assets of the target Kind are compared; None if there is none.

    It must hold the target Kind and all Kinds needed; among several, the one made for fewest Kinds
    is the specialist: MiniLM before CLIP from text to text. One that is being filled or imported is
    the last resort; where no model reads texts, it is `WORDS`. Raises `InvalidQuery`.
    """
    if query.space == SPARSE or (query.space is None and collection.has_unread_texts):
        if target is Kind.TEXT and query.words is not None and query.hybrid is not False:
            return WORDS
        if query.space == SPARSE:
            return None
    named = [collection.space(query.space)] if query.space is not None else collection.spaces
    must_embed = any(part.kind is not None for part in query.parts)
    if must_embed and query.space is not None:
        _check_model(named[0])
    sizes = {len(part.vector) for part in query.parts if part.vector is not None}
    fitting = [
        space
        for space in named
        if target in space.kinds
        and needed <= space.kinds
        and not (must_embed and space.is_imported)
        and (query.space is not None or sizes <= {space.dimension})
    ]
    return min(
        fitting,
        key=lambda space: (space.is_imported, space.filling, len(space.kinds)),
        default=None,
    )


def _check_model(space: Space) -> None:
    if space.is_imported:
        raise InvalidQuery(
            f"Space {space.name!r} holds imported vectors: no model can place a text or a picture "
            "among them. Ask there with an asset or a raw vector, or ask in another space."
        )


def no_space(collection: Collection, query: SearchQuery) -> str:
    """Why none of the Collection's Spaces can answer."""
    how = {True: ", imported: ask with an asset or a vector", False: ""}
    have = ", ".join(
        f"{space.name} ({' and '.join(sorted(space.kinds))}{how[space.is_imported]})"
        for space in collection.spaces
    )
    wanted = f" for {query.kind.value}s" if query.kind is not None else ""
    return f"Collection {collection.name!r} has no space to answer this{wanted}; it has: {have}."


def query_vector(
    store: VectorStore,
    embedders: Embedders,
    limits: Limits,
    collection: Collection,
    space: Space,
    parts: Sequence[Part],
) -> Vector:
    """The weighted sum of the parts' unit vectors, as a unit vector of shape (dimension,).

    Negative weights push away, after Rocchio (1971). Raises `InvalidQuery` if they cancel out,
    `AssetNotFound` for ids that are not there.
    """
    embedder = None
    if any(part.kind is not None for part in parts):
        embedder = collections.embedder_of(embedders, collection, space)
    total = np.zeros(space.dimension, dtype=np.float32)
    for part in parts:
        vector = _part_vector(store, embedder, limits, collection, space, part)
        total += np.float32(part.weight) * vector
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
