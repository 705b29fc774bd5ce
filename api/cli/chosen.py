"""Which collection is meant when none is named, and one that is there in any case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from indexer.errors import CollectionExists, CollectionNotFound, Conflict

if TYPE_CHECKING:
    from api.client import Client


def chosen(client: Client, collection: str) -> str:
    """The collection, or the only one there is if none was named and there is no `default`.

    An alias is resolved: a command of several calls ends in the collection in which it began.
    """
    from api.asset_calls import DEFAULT

    if collection == DEFAULT:
        names = [one["name"] for one in client.collections()]
        if len(names) == 1:
            return names[0]
    return client.aliases().get(collection, collection)


def made(client: Client, collection: str, models: list[str]) -> str:
    """Make the Collection on first use; returns its own name, where this is an alias.

    Raises `Conflict` if it has other models than asked for.
    """
    try:
        there = client.collection(collection)
    except CollectionNotFound:
        try:
            return client.create_collection(collection, models)["name"]
        except CollectionExists:  # another process was quicker
            return made(client, collection, models)
    names = [space["embedder"] for space in there["spaces"]]
    lacking = [model for model in models if model not in names]
    if lacking:
        raise Conflict(
            f"Collection {collection!r} uses {', '.join(names)}, not {', '.join(lacking)}. "
            "Leave --model out, name another --collection, or add it: "
            f"semblance spaces add {lacking[0]}",
            collection=collection,
            models=names,
        )
    return there["name"]
