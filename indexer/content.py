"""Bytes on their way to where they are kept: hashed once, never all of them in memory."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import BinaryIO, cast

from indexer.errors import AssetNotFound, DiskFull

BLOCK = 1024 * 1024
IN_MEMORY = 8 * 1024**2
"""Bytes up to which a file is held in memory: most photos are, and are then read only once."""

_SMALL = 1024**2
_FULL = {errno.ENOSPC, errno.EDQUOT}

Open = Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds: its SHA-256, its size in bytes, and how to read it.

    Every file that `open` gives is at its start, seekable, and has a place of its own.
    """

    sha256: str
    size: int
    open: Open = field(compare=False, repr=False)

    def blocks(self) -> Iterator[bytes]:
        """All bytes in order. Raises `AssetNotFound` if they are not those that were hashed."""
        digest = hashlib.sha256()
        try:
            with self.open() as file:
                for block in blocks_of(file):
                    digest.update(block)
                    yield block
        except OSError as error:
            raise _changed() from error
        if digest.hexdigest() != self.sha256:
            raise _changed()


def in_memory(data: bytes) -> Content:
    """Bytes that are at hand."""
    return Content(hashlib.sha256(data).hexdigest(), len(data), partial(io.BytesIO, data))


def of_file(open: Open, most: int) -> Content:
    """What a file that can be opened again holds: at most its first `most` bytes."""
    digest, size = hashlib.sha256(), 0
    with open() as file:
        first = file.read(min(IN_MEMORY, most))
        if len(first) < IN_MEMORY:
            return in_memory(first)
        digest.update(first)
        size += len(first)
        for block in blocks_of(file, most - size):
            digest.update(block)
            size += len(block)
    return Content(digest.hexdigest(), size, open)


def handed_over(file: BinaryIO) -> Content:
    """What an open, seekable file without a name holds; it must stay open meanwhile."""
    file.seek(0)
    sha256 = sha256_of(file)
    size = file.tell()
    if size > _SMALL:
        return Content(sha256, size, partial(_view, file, size))
    # small ones may have no descriptor yet, and a thousand uploads would take too many
    return Content(sha256, size, partial(_copied, file, Lock()))


def spooled(blocks: Iterable[bytes]) -> Content:
    """What blocks that come only once hold; many of them go to a temporary file."""
    digest = hashlib.sha256()
    size = 0

    def hashed() -> Iterator[bytes]:
        nonlocal size
        for block in blocks:
            digest.update(block)
            size += len(block)
            yield block

    reopen = spool(hashed())
    return Content(digest.hexdigest(), size, reopen)


def spool(blocks: Iterable[bytes]) -> Open:
    """Blocks that come only once as a file to be opened at will, in memory if they are few.

    Raises `DiskFull` if the temporary folder has no room for them.
    """
    size = 0
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
        for block in blocks:
            with room_in(tempfile.gettempdir(), "TMPDIR names another folder for temporary files"):
                file.write(block)
            size += len(block)
        if size <= IN_MEMORY:
            file.seek(0)
            return partial(io.BytesIO, file.read())
        file.flush()
        # the file has no name: it lives as long as its descriptor does
        return partial(_view, _Descriptor(os.dup(file.fileno())), size)


def sha256_of(file: BinaryIO) -> str:
    """The SHA-256 of the rest of a file, in hexadecimal."""
    digest = hashlib.sha256()
    for block in blocks_of(file):
        digest.update(block)
    return digest.hexdigest()


def blocks_of(file: BinaryIO, most: int | None = None) -> Iterator[bytes]:
    """The rest of a file, or at most `most` bytes of it."""
    left = most
    while block := file.read(BLOCK if left is None else min(BLOCK, left)):
        yield block
        if left is not None:
            left -= len(block)


@contextlib.contextmanager
def room_in(folder: str | os.PathLike[str], remedy: str) -> Iterator[None]:
    """Turn the system's word for a full disk into `DiskFull`."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull(
                f"The disk that holds {os.fspath(folder)} is full; make room, then do the same "
                f"again: it continues where it stopped. {remedy}.",
                path=os.fspath(folder),
            ) from error
        raise


class _Descriptor:
    """An open file that several read at once; closed when nobody refers to it any more."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __del__(self) -> None:
        # candidates hold on to it for as long as they wait to be written: no block can hold it
        os.close(self._number)

    def fileno(self) -> int:
        return self._number


def _copied(file: BinaryIO, lock: Lock) -> BinaryIO:
    with lock:
        file.seek(0)
        return io.BytesIO(file.read())


def _view(file: BinaryIO | _Descriptor, size: int) -> BinaryIO:
    return cast("BinaryIO", io.BufferedReader(_View(file, size)))


class _View(io.RawIOBase):
    """One reader of an open file: `pread` leaves the places of all others alone."""

    def __init__(self, file: BinaryIO | _Descriptor, size: int) -> None:
        self._file = file
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = os.pread(self._file.fileno(), len(buffer), self._at)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def _changed() -> AssetNotFound:
    return AssetNotFound(
        "It was changed or removed while it was being read; add it again to take up what it holds "
        "now."
    )
