"""Collections written to a folder, and made anew from it.

    photos.backup.json               what there is: file, checksum, counts; written last
    photos-20260301T120000Z.snapshot the Collection in its engine's own form

A snapshot is named anew each time and its description replaced in one step, so a backup that is
cut off leaves the one before as it was. Originals are not in it: blobs are kept apart.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from indexer.errors import CollectionExists, DiskFull, InvalidInput, Unavailable
from indexer.ledger import now
from indexer.ports import VectorStore

_BLOCK = 1024**2
_DESCRIPTION = ".backup.json"


@dataclass(frozen=True, slots=True)
class Backup:
    """One Collection in a folder. `points` counts assets, documents, jobs and the description."""

    collection: str
    format: str
    file: str
    sha256: str
    bytes: int
    points: int
    made_at: str


def save(store: VectorStore, collection: str, folder: Path) -> Backup:
    """Back a Collection up, in place of an earlier backup there, which goes when this is whole.

    Calls to the Collection wait meanwhile where the engine runs in this process.
    """
    with _disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
        former = _former(folder, collection)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        file = folder / f"{collection}-{stamp}.snapshot"
        unfinished = file.with_suffix(".unfinished")
        try:
            points = store.count(collection)
            store.save_snapshot(collection, unfinished)
            made = Backup(
                collection=collection,
                format=store.snapshot_format,
                file=file.name,
                sha256=_sha256(unfinished),
                bytes=unfinished.stat().st_size,
                points=points,
                made_at=now(),
            )
            _settle(unfinished, file)
        finally:
            unfinished.unlink(missing_ok=True)
        _describe(folder, made)
        if former is not None:
            former.unlink(missing_ok=True)
    return made


def listed(folder: Path) -> list[Backup]:
    """The backups in a folder, by Collection. Raises `InvalidInput` if there is none."""
    found = [_read(file) for file in sorted(folder.glob(f"*{_DESCRIPTION}"))]
    if not found:
        raise InvalidInput(f"{folder} holds no backup; name the folder that one was written to.")
    return found


def load(store: VectorStore, collection: str, folder: Path) -> Backup:
    """Make a Collection from its backup.

    Raises `CollectionExists`, and `InvalidInput` if there is none, if it is damaged, or if it was
    made by the other engine.
    """
    made = _read(folder / f"{collection}{_DESCRIPTION}")
    file = folder / made.file
    if made.format != store.snapshot_format:
        raise InvalidInput(
            f"The backup of {collection!r} was made by {made.format!r} and this store is "
            f"{store.snapshot_format!r}; restore it where it was made, or index anew.",
            collection=collection,
        )
    if collection in store.collections():
        raise CollectionExists(
            f"There is a collection {collection!r} already; delete it first.",
            collection=collection,
        )
    with _disk(folder):
        if not file.is_file() or _sha256(file) != made.sha256:
            raise InvalidInput(
                f"{file} is missing or not what was written; take another backup.",
                collection=collection,
            )
        store.load_snapshot(collection, file, made.sha256)
    return made


def _former(folder: Path, collection: str) -> Path | None:
    description = folder / f"{collection}{_DESCRIPTION}"
    return folder / _read(description).file if description.is_file() else None


def _describe(folder: Path, made: Backup) -> None:
    unfinished = folder / f"{made.collection}{_DESCRIPTION}.unfinished"
    unfinished.write_text(json.dumps(asdict(made), indent=2) + "\n", encoding="utf-8")
    _settle(unfinished, folder / f"{made.collection}{_DESCRIPTION}")


def _settle(unfinished: Path, file: Path) -> None:
    """Give a file its name when it is on the disk, in one step."""
    for path in (unfinished, unfinished.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    unfinished.replace(file)


def _read(description: Path) -> Backup:
    try:
        raw = json.loads(description.read_text(encoding="utf-8"))
        made = Backup(**raw)
        if Path(made.file).name != made.file:
            raise ValueError("it names a file elsewhere")
    except FileNotFoundError as error:
        raise InvalidInput(
            f"{description.parent} holds no backup of "
            f"{description.name.removesuffix(_DESCRIPTION)!r}; name the folder that one was "
            "written to."
        ) from error
    except (OSError, ValueError, TypeError) as error:
        raise InvalidInput(f"{description} describes no backup: {error}.") from error
    return made


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while block := opened.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"The disk of {folder} is full; free some space.") from error
        raise Unavailable(
            f"{folder} cannot be used for backups: {error.strerror or error}."
        ) from error
