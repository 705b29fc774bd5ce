"""Collections: listed, made, described, dropped; their counts, facets and failures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import CALLER, Caller, allowed_path
from api.deps import COLLECTION, ENGINE, SERVING, STORE
from api.routes.jobs import AFTER, CODE, told_failures
from api.schemas.collections import CollectionTold, CollectionWanted, Facets, FacetValue
from api.schemas.jobs import FailureTold, Retried, TotalsTold
from indexer import collections, jobs
from indexer.build import Engine
from indexer.departures import drop_collection
from indexer.domain import Space
from indexer.errors import CollectionExists, SemblanceError
from indexer.filter_json import parse_filter_text, payload_field
from indexer.ledger import assets_where, reason_of
from indexer.ports import VectorStore
from indexer.recovery import retry_failed

router = APIRouter(prefix="/collections", tags=["collections"])


@router.get("")
def list_collections(store: STORE) -> list[CollectionTold]:
    """List all collections with their counts; one that does not open says why."""
    aliases = store.aliases()
    return [_told_or_broken(store, name, aliases) for name in store.collections()]


@router.post("", status_code=201)
def create_collection(wanted: CollectionWanted, engine: ENGINE, who: CALLER) -> CollectionTold:
    """Make an empty collection with one space a model."""
    there = collections.resolved(engine.store, wanted.name)
    if there in engine.store.collections():  # said before any model is loaded for it
        so = "" if there == wanted.name else f"; {wanted.name!r} is an alias of it"
        raise CollectionExists(f"There is a collection {there!r} already{so}.", collection=there)
    models = [engine.settings.model] if wanted.models is None else wanted.models
    spaces = [space_of(engine, model, who) for model in models]
    collections.create(engine.store, wanted.name, spaces)
    return _told(engine.store, wanted.name, {})


@router.get("/{collection}")
def describe_collection(collection: COLLECTION, store: STORE) -> CollectionTold:
    """Describe a collection: its spaces, its metadata fields, its counts."""
    return _told(store, collection, store.aliases())


@router.delete("/{collection}", status_code=204)
def delete_collection(collection: str, engine: ENGINE) -> None:
    """Remove a collection, its aliases and everything in it, for good. An alias is refused."""
    drop_collection(engine.store, engine.blobs, collection)


@router.get("/{collection}/stats")
def count_collection(collection: COLLECTION, store: STORE) -> TotalsTold:
    """Count what became of everything that was found."""
    collections.get(store, collection)
    return TotalsTold.of(collections.totals(store, collection))


@router.get("/{collection}/facets")
def list_facets(
    collection: COLLECTION,
    store: STORE,
    field: Annotated[str, Query(min_length=1, examples=["metadata.label"])],
    filter: Annotated[str | None, Query(description="A filter as JSON.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 20,
) -> Facets:
    """Count the most frequent values of a field."""
    collections.get(store, collection)
    condition = assets_where(parse_filter_text(filter))
    counts = store.facet(collection, payload_field(field), condition, limit=limit)
    return Facets(values=[FacetValue(value=value, count=n) for value, n in counts.items()])


@router.get("/{collection}/failures")
def list_failures(
    collection: COLLECTION,
    store: STORE,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
    after: AFTER = None,
    code: CODE = None,
) -> list[FailureTold]:
    """List what failed or was skipped, and why."""
    collections.get(store, collection)
    return told_failures(store, collection, None, code, after, limit)


@router.post("/{collection}/retry")
def retry(collection: COLLECTION, serving: SERVING) -> Retried:
    """Try everything that failed once more, in the background; says how much that is."""
    store = serving.engine.store
    again = retry_failed(store, collection)
    serving.reading.requeue(collection)
    for request in again.requests:
        serving.reading.start(jobs.start(store, collection, request))
    return Retried(retried=again.assets + again.documents)


def _told(store: VectorStore, name: str, aliases: Mapping[str, str]) -> CollectionTold:
    described = collections.get(store, name)
    return CollectionTold.of(described, collections.totals(store, name), _of(name, aliases))


def _told_or_broken(store: VectorStore, name: str, aliases: Mapping[str, str]) -> CollectionTold:
    try:
        return _told(store, name, aliases)
    except SemblanceError as error:
        return CollectionTold.broken(name, reason_of(error), _of(name, aliases))


def _of(name: str, aliases: Mapping[str, str]) -> list[str]:
    return [alias for alias, of in aliases.items() if of == name]


def space_of(engine: Engine, model: str, who: Caller) -> Space:
    """The space that a model fills. Raises `Forbidden` for a path that the caller may not name."""
    row = engine.embedders.describe(model)
    if row.weights is not None and row.weights.folder is not None:
        # A model that is a path makes the server read there: the rule for paths holds.
        allowed_path(str(row.weights.folder), who, engine.settings)
    return engine.embedders.space_of(model)
