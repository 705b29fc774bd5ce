"""Spaces of a collection: told with their counts, added and filled, dropped."""

from __future__ import annotations

from fastapi import APIRouter

from api.auth import CALLER, allowed_path
from api.deps import ENGINE, SERVING, STORE
from api.routes.collections import space_of
from api.schemas.collections import SpaceFilled, SpaceWanted
from api.schemas.jobs import JobTold, VectorsGiven
from indexer import collections, jobs, spaces
from indexer.domain import Space
from indexer.errors import SpaceNotFound
from indexer.importing import start_import
from indexer.ports import VectorStore

router = APIRouter(prefix="/collections/{collection}/spaces", tags=["spaces"])


@router.get("")
def list_spaces(collection: str, store: STORE) -> list[SpaceFilled]:
    """List the spaces: which model fills each, and how many assets have a vector there."""
    described = collections.get(store, collection)
    return [_told(store, collection, space) for space in described.spaces]


@router.post("", status_code=202)
def add_space(collection: str, wanted: SpaceWanted, serving: SERVING, who: CALLER) -> SpaceFilled:
    """Give a collection another model; the assets that are there get its vectors in the background.

    Searches go on in the other spaces meanwhile. Asking again continues what was stopped.
    """
    engine = serving.engine
    collections.get(engine.store, collection)  # said before any model is loaded for it
    space = space_of(engine, wanted.model, who)
    spaces.add(engine.store, collection, space)
    serving.reading.requeue(collection)
    return _told(engine.store, collection, space)


@router.get("/{space}")
def describe_space(collection: str, space: str, store: STORE) -> SpaceFilled:
    """Tell how far one space is filled."""
    described = collections.get(store, collection)
    for one in described.spaces:
        if one.name == space:
            return _told(store, collection, one)
    have = ", ".join(one.name for one in described.spaces)
    raise SpaceNotFound(
        f"Collection {collection!r} has no space {space!r}; it has: {have}.",
        collection=collection,
        space=space,
    )


@router.delete("/{space}", status_code=204)
def drop_space(collection: str, space: str, engine: ENGINE) -> None:
    """Remove a space with its vectors, for good; a collection keeps its last one."""
    spaces.drop(engine.store, collection, space)


@router.post("/{space}/import", status_code=202)
def import_vectors(
    collection: str, space: str, given: VectorsGiven, serving: SERVING, who: CALLER
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


def _told(store: VectorStore, collection: str, space: Space) -> SpaceFilled:
    return SpaceFilled.counted(spaces.filling(store, collection, space))
