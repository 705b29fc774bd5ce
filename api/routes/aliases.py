"""Aliases: further names of collections, moved from one to another in one step."""

from __future__ import annotations

from fastapi import APIRouter

from api.deps import STORE
from api.schemas.collections import AliasTold, AliasWanted
from indexer import collections

router = APIRouter(prefix="/aliases", tags=["collections"])


@router.get("")
def list_aliases(store: STORE) -> list[AliasTold]:
    """List all aliases and the collections they lead to."""
    return [AliasTold(alias=alias, collection=of) for alias, of in store.aliases().items()]


@router.put("/{alias}")
def set_alias(alias: str, wanted: AliasWanted, store: STORE) -> AliasTold:
    """Make an alias lead to a collection, in one step wherever it led before.

    Requests that have begun end in the collection in which they began, and so do jobs.
    """
    store.set_alias(alias, wanted.collection)
    return AliasTold(alias=alias, collection=wanted.collection)


@router.delete("/{alias}", status_code=204)
def drop_alias(alias: str, store: STORE) -> None:
    """Forget an alias; the collection stays."""
    collections.drop_alias(store, alias)
