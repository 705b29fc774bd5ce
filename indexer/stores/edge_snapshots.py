"""A shard's folder as one file, and back."""

from __future__ import annotations

import errno
import tarfile
from pathlib import Path

from indexer.errors import DiskFull, InvalidInput, StoreUnavailable


def pack(shard: Path, file: Path) -> None:
    """Write the folder to a tar file. The shard must be flushed, and nobody may write to it."""
    try:
        with tarfile.open(file, "w") as archive:
            for part in sorted(shard.rglob("*")):
                archive.add(part, part.relative_to(shard).as_posix(), recursive=False)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"The disk of {file.parent} is full; free some space.") from error
        raise StoreUnavailable(f"{file} cannot be written: {error.strerror or error}.") from error


def unpack(file: Path, folder: Path) -> None:
    """Write the folder anew from its tar file; nothing is ever written outside of it.

    Raises `InvalidInput` if the file is none.
    """
    folder.mkdir()
    try:
        with tarfile.open(file) as archive:
            archive.extractall(folder, filter="data")
    except tarfile.TarError as error:
        raise InvalidInput(f"{file} is no snapshot of a collection: {error}.") from error
