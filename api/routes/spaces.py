"""Spaces of a collection: told with their counts, added and filled, dropped."""

from __future__ import annotations

from fastapi import APIRouter

from api.auth import CALLER, allowed_path
from api.deps import COLLECTION, ENGINE, SERVING, STORE
from api.routes.collections import space_of
from api.schemas.collections import SpaceFilled, SpaceWanted, Switch
from api.schemas.jobs import JobTold, VectorsGiven
from indexer import collections, jobs, spaces
from indexer.collections import Collection
from indexer.domain import Space
from indexer.errors import SpaceNotFound
from indexer.importing import start_import
from indexer.ports import VectorStore
from indexer.serving import switch, switch_back

router = APIRouter(prefix="/collections/{collection}/spaces", tags=["spaces"])


@router.get("")
def list_spaces(collection: COLLECTION, store: STORE) -> list[SpaceFilled]:
    """List the spaces: which model fills each, and how many assets have a vector there."""
    described = collections.get(store, collection)
    return [_told(store, described, space) for space in described.spaces]


@router.post("", status_code=202)
def add_space(
    collection: COLLECTION, wanted: SpaceWanted, serving: SERVING, who: CALLER
) -> SpaceFilled:
    """Give a collection another model; the assets that are there get its vectors in the background.

    Searches go on in the other spaces meanwhile. Asking again continues what was stopped.
    """
    engine = serving.engine
    collections.get(engine.store, collection)  # said before any model is loaded for it
    space = space_of(engine, wanted.model, who)
    described = spaces.add(engine.store, collection, space)
    serving.reading.requeue(collection)
    return _told(engine.store, described, space)


@router.get("/{space}")
def describe_space(collection: COLLECTION, space: str, store: STORE) -> SpaceFilled:
    """Tell how far one space is filled."""
    described = collections.get(store, collection)
    return _told(store, described, _named(described, space))


@router.delete("/{space}", status_code=204)
def drop_space(collection: COLLECTION, space: str, engine: ENGINE, force: bool = False) -> None:
    """Remove a space with its vectors, for good; a collection keeps its last one.

    One that was switched to, or that switching back would need, goes with `force=true` alone.
    """
    spaces.drop(engine.store, collection, space, force=force)


@router.post("/{space}/switch")
def switch_space(
    collection: COLLECTION, space: str, how: Switch, store: STORE
) -> list[SpaceFilled]:
    """Let a space answer from now on wherever it can, in one step; tells all spaces.

    Refused while assets still wait for their vectors there, unless it is forced.
    """
    _named(collections.get(store, collection), space)
    described = switch(store, collection, space, kinds=how.kinds, force=how.force)
    return [_told(store, described, one) for one in described.spaces]


@router.post("/switch-back")
def switch_back_space(collection: COLLECTION, store: STORE) -> list[SpaceFilled]:
    """Undo the last switch, in one step; once more undoes that. Tells all spaces."""
    described = switch_back(store, collection)
    return [_told(store, described, one) for one in described.spaces]


@router.post("/{space}/import", status_code=202)
def import_vectors(
    collection: COLLECTION, space: str, given: VectorsGiven, serving: SERVING, who: CALLER
) -> JobTold:
    """Start to import vectors made elsewhere into a space of their own, as a job.

    A collection that is missing is made where each row becomes an asset. Rows that cannot be used
    are left out and told; a file that would change vectors that are there changes nothing, unless
    it is to replace them.
    """
    engine = serving.engine
    path = str(allowed_path(given.path, who, engine.settings))
    ids = None if given.ids is None else str(allowed_path(given.ids, who, engine.settings))
    job = start_import(engine, collection, given.request(space, path, ids))
    serving.reading.start(job)
    return JobTold.of(jobs.progress(engine.store, job))


def _told(store: VectorStore, collection: Collection, space: Space) -> SpaceFilled:
    return SpaceFilled.counted(spaces.filling(store, collection.name, space), collection)


def _named(collection: Collection, space: str) -> Space:
    for one in collection.spaces:
        if one.name == space:
            return one
    have = ", ".join(one.name for one in collection.spaces)
    raise SpaceNotFound(
        f"Collection {collection.name!r} has no space {space!r}; it has: {have}.",
        collection=collection.name,
        space=space,
    )
