"""Which collection is meant when none is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.client import Client


def chosen(client: Client, collection: str) -> str:
    """The collection, or the only one there is if none was named and there is no `default`."""
    from api.asset_calls import DEFAULT

    if collection != DEFAULT:
        return collection
    names = [one["name"] for one in client.collections()]
    return names[0] if len(names) == 1 else collection
