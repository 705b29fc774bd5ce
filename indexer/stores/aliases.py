"""What both stores keep of aliases: each is a name of its own, and leads to a Collection."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from indexer.errors import CollectionExists, CollectionNotFound, Conflict, InvalidInput
from indexer.stores.validation import check_collection_name


def check_alias(
    alias: str, collection: str, aliases: Mapping[str, str], collections: Collection[str]
) -> None:
    """Raise what `VectorStore.set_alias` promises, unless the alias may lead there."""
    if check_collection_name(alias) in collections:
        raise CollectionExists(
            f"{alias!r} is a Collection itself, and no alias can have its name; choose another "
            "name, or delete that Collection first.",
            collection=alias,
        )
    if collection in aliases:
        raise InvalidInput(
            f"{collection!r} is an alias itself; name the Collection it leads to, "
            f"{aliases[collection]!r}, or another one.",
            alias=collection,
        )
    if collection not in collections:
        known = ", ".join(sorted(collections)) or "none yet"
        raise CollectionNotFound(
            f"There is no collection {collection!r}. Collections: {known}.", collection=collection
        )


def check_unused(name: str, aliases: Mapping[str, str]) -> None:
    """Raise `CollectionExists` if a new Collection would have the name of an alias."""
    if name in aliases:
        raise CollectionExists(
            f"{name!r} is an alias of the Collection {aliases[name]!r}; choose another name, or "
            "drop the alias first.",
            collection=aliases[name],
            alias=name,
        )


def check_own_name(name: str, aliases: Mapping[str, str]) -> None:
    """Raise `Conflict` if this is an alias, where the Collection's own name is asked for."""
    if name in aliases:
        raise Conflict(
            f"{name!r} is an alias of the Collection {aliases[name]!r}; to remove that, use its "
            "own name; to remove the alias alone, drop the alias.",
            collection=aliases[name],
            alias=name,
        )
