"""Vectors made elsewhere as a Space of their own: for assets that are there, or as new ones.

    match   each row names an asset that is there, and gives it a vector
    new     each row is a text asset, with its other columns as metadata

Either way it is a job: idempotent, so that one that was cut off starts again at the next start.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import quote

import numpy as np

from indexer import collections, jobs, spaces
from indexer.batches import batches
from indexer.build import Engine
from indexer.cancelling import is_cancelled
from indexer.collections import Collection
from indexer.domain import (
    IMPORTED,
    SPARSE,
    AssetId,
    Kind,
    Payload,
    PointVectors,
    Space,
    Status,
    space_name,
)
from indexer.errors import CollectionNotFound, InvalidInput, SpaceMismatch
from indexer.imported_rows import candidates, check_columns, ids_of
from indexer.ingest import Ingest
from indexer.jobs import Job, Request
from indexer.ledger import PAGE
from indexer.matching import Match, Matched, Noted, key_column, matched_rows
from indexer.ports import JobQueue, Priority, VectorStore
from indexer.readers.found import Found, Limits
from indexer.readers.vector_rows import VectorFile, VectorRow
from indexer.readers.vectors import open_vectors

_SAME = 1 - 1e-5
"""Cosine from which two vectors count as one: float16 and back costs less."""

_OPTIMIZE_STEPS = 32


def start_import(engine: Engine, collection_name: str, request: Request) -> Job:
    """Check the file against the Collection and write the job; `import_vectors` does the rest.

    Without `request.match` a Collection that is missing is made, with this Space alone. Raises
    `NotFound`, `InvalidInput`, `SpaceMismatch`, naming what does not fit.
    """
    file = _open(request, engine.limits)
    space = _space(file, request, frozenset({Kind.TEXT}))
    _check_name(space.name)
    if request.match is None:
        check_columns(file, request)
    else:
        key_column(file, Match(request.match), request.id)
    try:
        collection = collections.get(engine.store, collection_name)
    except CollectionNotFound:
        if request.match is not None:
            raise
        collection = collections.create(engine.store, collection_name, [space])
    spaces.check_fits(collection, space)
    return jobs.start(engine.store, collection_name, request)


def import_vectors(engine: Engine, queue: JobQueue, job: Job) -> Job:
    """Import the job's file to its end; returns the finished job, or the cancelled one.

    Nothing is written if a row would change a vector that is there, unless the request says so:
    then `SpaceMismatch` names the row.
    """
    request = job.request
    assert request is not None
    file = _open(request, engine.limits)
    collection = collections.get(engine.store, job.collection)
    space = _space(file, request, frozenset({Kind.TEXT} if request.match is None else ()))
    if not request.replace and any(one.name == space.name for one in collection.spaces):
        _check_unchanged(engine.store, collection, file, request, space.name)
    if request.match is None:
        job = _import_new(engine, queue, job, file, space)
    else:
        job = _import_matched(engine.store, queue, job, file, space)
    if request.replace:  # also if it was cancelled: some vectors are others by now
        mark = partial(replace, fingerprint=space.fingerprint)
        spaces.change(engine.store, job.collection, space.name, mark)
    for _ in range(_OPTIMIZE_STEPS):  # upkeep goes by counts of assets, which have not changed
        if not engine.store.optimize(job.collection):
            break
    return job


def _check_name(name: str) -> None:
    if not name or name == SPARSE or space_name(name) != name:
        raise InvalidInput(
            f"{name!r} is no name for a space. Use 1 to 64 letters, digits, dots, _ or -, and not "
            f"{SPARSE!r}.",
            space=name,
        )


def _open(request: Request, limits: Limits) -> VectorFile:
    ids = Path(request.ids) if request.ids is not None else None
    return open_vectors(Path(request.location), limits, ids=ids, column=request.vector)


def _space(file: VectorFile, request: Request, kinds: frozenset[Kind]) -> Space:
    made = datetime.fromtimestamp(int(file.path.stat().st_mtime), UTC).isoformat()
    origin = f"{IMPORTED}:{file.path.name}@{made.replace('+00:00', 'Z')}"
    return Space(request.space or "", file.dimension, IMPORTED, origin, kinds)


def _import_new(engine: Engine, queue: JobQueue, job: Job, file: VectorFile, space: Space) -> Job:
    request = job.request
    assert request is not None
    collection = spaces.add(engine.store, job.collection, space)
    spaces.change(engine.store, job.collection, space.name, partial(_with_kind, kind=Kind.TEXT))
    noted = Noted()
    ingest = Ingest(
        engine.store, engine.blobs, queue, collection, job, noted.record, observers=engine.observers
    )
    stat = file.path.stat()
    # Not the file's own address: it may have been indexed as a table as well.
    uri = f"vectors://{space.name}{quote(str(file.path))}"
    read = partial(candidates, file, request, space.name, uri)
    found = Found(uri, str(file.path), stat.st_size, stat.st_mtime_ns, read, anew=True)
    done = noted.on(ingest.run([found]))
    jobs.save(engine.store, done)
    return done


def _import_matched(
    store: VectorStore, queue: JobQueue, job: Job, file: VectorFile, space: Space
) -> Job:
    collection = collections.get(store, job.collection)
    noted = Noted()
    for batch in matched_rows(store, collection, file, job.request, noted):
        space = _ready(store, collection.name, space, {m.asset.kind for m in batch if m.asset})
        _give(store, queue, collection.name, space.name, batch)
        noted.taken += len(batch)
        jobs.save(store, noted.on(job))
        if is_cancelled(store, job):
            return jobs.get(store, job.collection, job.id)
    if not noted.taken:
        raise InvalidInput(
            f"No row of {file.path} could be used for collection {collection.name!r}. "
            f"{' '.join(noted.remarks[:3])}",
            path=str(file.path),
        )
    return jobs.finish(store, noted.on(job))


def _give(
    store: VectorStore, queue: JobQueue, collection: str, space: str, batch: Sequence[Matched]
) -> None:
    found = [(one.asset.id, one.row.vector) for one in batch if one.asset is not None]
    rows = [PointVectors(id, {space: vector}) for id, vector in found if vector is not None]
    store.write_vectors(collection, rows)
    # With a vector at last, what no model takes can be found after all.
    aside = [one.asset for one in batch if one.asset and one.asset.status is Status.SKIPPED]
    again: Payload = {"status": Status.PENDING.value, "reason": None}
    store.set_payload(collection, {asset.id: again for asset in aside})
    for kind in Kind:
        if alike := [asset.id for asset in aside if asset.kind is kind]:
            queue.enqueue(collection, alike, kind, Priority.BULK)


def _ready(store: VectorStore, name: str, space: Space, kinds: Iterable[Kind]) -> Space:
    """The Space, made if it is not there, and described as one that holds these Kinds."""
    wider = replace(space, kinds=space.kinds | frozenset(kinds))
    if wider != space:
        spaces.add(store, name, wider)
        for kind in wider.kinds:
            spaces.change(store, name, space.name, partial(_with_kind, kind=kind))
    return wider


def _with_kind(space: Space, kind: Kind) -> Space:
    return replace(space, kinds=space.kinds | {kind})


def _check_unchanged(
    store: VectorStore, collection: Collection, file: VectorFile, request: Request, space: str
) -> None:
    """Raise `SpaceMismatch` at the first row whose vector is another than the Space has."""
    for batch in _placed(store, collection, file, request):
        rows = dict(batch)
        for point in store.get(collection.name, [*rows], spaces=[space]):
            row, there = rows[point.id], point.vectors.get(space)
            if there is None or row.vector is None:
                continue
            if float(np.vdot(there, row.vector)) < _SAME:
                raise SpaceMismatch(
                    f"Row {row.number} of {file.path} has another vector than space {space!r} "
                    "has for the same asset. Nothing was imported: say that it is to replace "
                    "what is there (--replace), or name another space.",
                    row=row.number,
                    space=space,
                )


def _placed(
    store: VectorStore, collection: Collection, file: VectorFile, request: Request
) -> Iterator[list[tuple[AssetId, VectorRow]]]:
    if request.match is None:
        for rows in batches(file.rows(), PAGE):
            yield list(ids_of(rows, file, request))
        return
    for batch in matched_rows(store, collection, file, request, Noted()):
        yield [(one.asset.id, one.row) for one in batch if one.asset is not None]
