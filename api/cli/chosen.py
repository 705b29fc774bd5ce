"""Which collection is meant when none is named, and one that is there in any case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from indexer.errors import CollectionExists, CollectionNotFound, Conflict

if TYPE_CHECKING:
    from api.client import Client


def chosen(client: Client, collection: str) -> str:
    """The collection, or the only one there is if none was named and there is no `default`."""
    from api.asset_calls import DEFAULT

    if collection != DEFAULT:
        return collection
    names = [one["name"] for one in client.collections()]
    return names[0] if len(names) == 1 else collection


def made(client: Client, collection: str, models: list[str]) -> None:
    """Make the Collection on first use. Raises `Conflict` if it has other models than asked for."""
    try:
        spaces = client.collection(collection)["spaces"]
    except CollectionNotFound:
        try:
            client.create_collection(collection, models)
        except CollectionExists:  # another process was quicker
            made(client, collection, models)
        return
    names = [space["embedder"] for space in spaces]
    lacking = [model for model in models if model not in names]
    if lacking:
        raise Conflict(
            f"Collection {collection!r} uses {', '.join(names)}, not {', '.join(lacking)}. "
            "Leave --model out, name another --collection, or add it: "
            f"semblance spaces add {lacking[0]}",
            collection=collection,
            models=names,
        )
