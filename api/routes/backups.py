"""Backups of collections, in folders of the server's machine; for its owner alone."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter

from api.auth import CALLER, Caller
from api.deps import COLLECTION, SERVING, STORE
from api.schemas.backups import BackupFolder, BackupTold, RestoredTold
from indexer import backup
from indexer.build import Engine
from indexer.errors import Forbidden, Unavailable
from indexer.originals import Kept, kept_originals

router = APIRouter(prefix="/collections/{collection}", tags=["collections"])


@router.post("/backup", status_code=201)
def back_up(collection: COLLECTION, where: BackupFolder, store: STORE, who: CALLER) -> BackupTold:
    """Write the collection to a folder, in place of an earlier backup there, and answer when it
    is done. Originals are not in it."""
    return BackupTold.of(backup.save(store, collection, _folder(where, who)))


@router.post("/restore", status_code=201)
def restore(collection: str, where: BackupFolder, serving: SERVING, who: CALLER) -> RestoredTold:
    """Make the collection from its backup in a folder, and take up what was unfinished in it.

    Originals are not in a backup: the answer says of how many assets they are missing."""
    made = backup.load(serving.engine.store, collection, _folder(where, who))
    serving.reading.requeue(collection)
    serving.take_up_analyses(collection)
    return RestoredTold.after(made, _originals(serving.engine, collection))


def _originals(engine: Engine, collection: str) -> Kept | None:
    try:
        return kept_originals(engine.store, engine.blobs, collection)
    except Unavailable:  # the collection is restored in any case
        return None


def _folder(where: BackupFolder, who: Caller) -> Path:
    if who is not Caller.OWNER:
        raise Forbidden(
            "Backups are for the command line on the server's machine: `semblance backup DIR`."
        )
    return Path(where.folder)
