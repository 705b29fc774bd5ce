"""Which of a Collection's Spaces answers a query, and what to say where none can."""

from __future__ import annotations

from collections.abc import Sequence

from indexer.collections import Collection
from indexer.domain import SPARSE, Kind, Space
from indexer.errors import InvalidQuery
from indexer.queries import SearchQuery

WORDS = Space(SPARSE, 0, "", "", frozenset({Kind.TEXT}))
"""Stands where texts are found by their words alone; the score is then that of BM25."""


def choose_space(
    collection: Collection, query: SearchQuery, target: Kind, asked: Sequence[Kind | None]
) -> Space | None:
    """The Space in which assets of the target Kind are compared; None if there is none.

    It must hold the target Kind and the Kinds of all parts. Among several it is the one that was
    switched to (`indexer.serving`). Before any switch, for texts the one made for fewest Kinds is
    the specialist: MiniLM before CLIP. For pictures it is the first: a Space that was added to be
    compared, a baseline even, does not take over unless it is named. One that is being filled or
    imported is the last resort; where no model reads texts, it is `WORDS`. Raises `InvalidQuery`.
    """
    if query.space == SPARSE or (query.space is None and collection.has_unread_texts):
        if target is Kind.TEXT and query.words is not None and query.hybrid is not False:
            return WORDS
        if query.space == SPARSE:
            return None
    needed = {kind for kind in asked if kind is not None}
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
    return min(fitting, key=lambda space: _rank(collection, space, target), default=None)


def serving_space(collection: Collection, target: Kind) -> Space | None:
    """The Space that answers by default where assets of the target Kind are looked for."""
    fitting = [space for space in collection.spaces if target in space.kinds]
    return min(fitting, key=lambda space: _rank(collection, space, target), default=None)


def _rank(collection: Collection, space: Space, target: Kind) -> tuple[bool, bool, bool, int]:
    return (
        collection.serving.get(target) != space.name,
        space.is_imported,
        space.filling,
        len(space.kinds) if target is Kind.TEXT else 0,
    )


def _check_model(space: Space) -> None:
    if space.is_imported:
        raise InvalidQuery(
            f"Space {space.name!r} holds imported vectors: no model can place a text or a picture "
            "among them. Ask there with an asset or a raw vector, or ask in another space."
        )


def unanswerable(
    collection: Collection, query: SearchQuery, asked: Sequence[Kind | None]
) -> InvalidQuery:
    """Why no Space of the Collection can answer, and which there are."""
    kinds = " and ".join(sorted({kind.value for kind in asked if kind is not None})) or "vector"
    wanted = f" for {query.kind.value}s" if query.kind is not None else ""
    if query.space == SPARSE:
        problem = (
            f"Space {SPARSE!r} finds texts by the words of a query of text alone, and cannot "
            f"answer this {kinds} query{wanted}; name another space or none"
        )
    elif query.space is not None:
        held = " and ".join(sorted(collection.space(query.space).kinds))
        problem = (
            f"Space {query.space!r} of collection {collection.name!r} holds {held} only and "
            f"cannot answer this {kinds} query{wanted}; name another space or none"
        )
    else:
        problem = (
            f"Collection {collection.name!r} has no space to answer this {kinds} query{wanted}"
        )
    have = ", ".join(_told(space) for space in collection.spaces)
    return InvalidQuery(f"{problem}; it has: {have}.", collection=collection.name)


def _told(space: Space) -> str:
    how = ", imported: ask with an asset or a vector" if space.is_imported else ""
    return f"{space.name} ({' and '.join(sorted(space.kinds))}{how})"
