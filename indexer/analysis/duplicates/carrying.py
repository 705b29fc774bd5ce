"""A file goes to another place whole or not at all, and nothing that is there is overwritten."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from pathlib import Path

from indexer.content import sha256_of

_NO_LINKS = {errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.EACCES}
_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM}


class Tied(OSError):
    """A file that cannot be taken away from where it is."""


def holds(path: Path, sha256: str) -> bool:
    """Whether there is a file that holds this, as far as it can be read."""
    try:
        with path.open("rb") as file:
            return sha256_of(file) == sha256
    except OSError:
        return False


def lies_in(path: Path, folder: Path) -> bool:
    """Whether a name stands in a folder or below it, whichever links or mounts lead there."""
    parents = Path(os.path.realpath(path.parent), path.name).parents
    return any(_same(parent, folder) for parent in parents)


def carry(source: Path, target: Path, sha256: str) -> None:
    """Move a file: first it gets the new name, and when that is on the disk the old one goes.

    Raises `Tied` if the old one cannot go, and `OSError` if the new one cannot be; in both cases
    the file is where it was, and nowhere else.
    """
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        copy(source, target, sha256)
    try:
        take_away(source, target)
    except OSError:
        target.unlink()
        raise


def take_away(path: Path, other: Path) -> None:
    """Remove one of two names of a content when the other one is on the disk for good.

    Raises `Tied` if it cannot be removed.
    """
    sync(other.parent)
    sync(other.parent.parent)  # the folder itself may be new
    try:
        path.unlink()
    except OSError as error:
        raise Tied(error.errno, error.strerror, str(path)) from error


def copy(source: Path, target: Path, sha256: str) -> None:
    """Copy a file with its times and rights: under its new name it is whole, and on the disk.

    Raises `OSError` if there is a file by now, the copy differs, or the disk says no; then nothing
    is left of it.
    """
    unfinished = target.with_name(f".{sha256[:16]}.unfinished")
    unfinished.unlink(missing_ok=True)  # of a move that was cut off; it may be read-only
    try:
        shutil.copy2(source, unfinished)
        if not holds(unfinished, sha256):
            raise OSError(errno.EIO, "the copy differs from the original", str(source))
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        _name(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)


def sync(folder: Path) -> None:
    """Make the names in a folder survive a power cut, on disks that can be asked to."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return  # it may be written to and not read
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(descriptor)


def _name(unfinished: Path, target: Path) -> None:
    """Give a copy its name. A link fails where there is a file by now; renaming replaces it."""
    try:
        os.link(unfinished, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "there is a file by now", str(target)) from error
        unfinished.rename(target)


def _same(one: Path, other: Path) -> bool:
    with contextlib.suppress(OSError):
        return os.path.samefile(one, other)
    return False
