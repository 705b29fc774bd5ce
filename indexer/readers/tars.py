"""Tar archives, packed or not: read as a stream, forwards, once to list and once for the bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Iterator
from functools import partial
from threading import Lock
from typing import BinaryIO, cast

from indexer.content import Content, blocks_of, in_memory, spooled
from indexer.domain import Reason
from indexer.readers.archive import Budget, Member
from indexer.readers.found import Limits
from indexer.readers.original import Original

_MOST_HEADER_BYTES = 1024 * 1024
_HEADER_TYPES = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_NO_FILE = Reason("unsupported_media", "This is a link or a device and no file.")


class TarArchive:
    """A tar being read. Members that are read in stored order cost one pass over the archive."""

    def __init__(self, original: Original, limits: Limits) -> None:
        self._pass: _Pass | None = None
        self._lock = Lock()
        self._original = original
        self._limits = limits

    def members(self) -> Iterator[Member]:
        """Its files in stored order; folders are passed over."""
        listing = _Pass(self._original, self._limits)
        try:
            while (info := listing.next()) is not None:
                if not info.isdir():
                    read = partial(self._read, listing.number)
                    skip = None if info.isreg() else _NO_FILE
                    yield Member(info.name, info.size if info.isreg() else 0, read, skip)
        finally:
            listing.close()

    def __del__(self) -> None:
        # members are read long after they were listed, so no block can hold the file
        self._end_pass()

    def _read(self, number: int, most: int) -> Content:
        with self._lock:
            try:
                return self._read_from_pass(number, most)
            except BaseException:
                # a pass that broke off stands nowhere in particular
                self._end_pass()
                raise

    def _read_from_pass(self, number: int, most: int) -> Content:
        if self._pass is None or self._pass.number >= number:
            self._end_pass()
            self._pass = _Pass(self._original, self._limits)
        info = self._pass.next()
        while info is not None and self._pass.number < number:
            info = self._pass.next()
        if info is None:
            raise EOFError("a member is not there any more")
        return self._pass.read(info, most)

    def _end_pass(self) -> None:
        if self._pass is not None:
            self._pass.close()
            self._pass = None


class _Pass:
    """One way through the archive; `number` is that of the member it stands at, from 1."""

    def __init__(self, original: Original, limits: Limits) -> None:
        self.number = 0
        self._file = original.open()
        try:
            stream = _Counted(_unpacked(self._file), Budget(original.size, limits))
            self._tar = tarfile.TarFile.open(fileobj=stream, mode="r|", tarinfo=_CheckedInfo)
        except BaseException:
            self._file.close()
            raise

    def next(self) -> tarfile.TarInfo | None:
        info = self._tar.next()
        # tarfile keeps every member it has seen; a million of them is a gigabyte
        self._tar.members = []  # type: ignore[attr-defined]
        self.number += 1
        return info

    def read(self, info: tarfile.TarInfo, most: int) -> Content:
        file = self._tar.extractfile(info)
        if file is None:
            return in_memory(b"")
        # a stream goes only forwards: what is in it is taken out now
        return spooled(blocks_of(cast("BinaryIO", file), most))

    def close(self) -> None:
        self._tar.close()
        self._file.close()


class _Counted(io.RawIOBase):
    """A stream that spends a budget as it is read."""

    def __init__(self, stream: BinaryIO, budget: Budget) -> None:
        self._stream = stream
        self._budget = budget

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._budget.spend(len(data))
        return data


class _CheckedInfo(tarfile.TarInfo):
    """Refuses broken headers, where tarfile would take the first one for the end."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> _CheckedInfo:
        try:
            return super().fromtarfile(tar)
        except (tarfile.EOFHeaderError, tarfile.EmptyHeaderError):  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"broken header: {error}") from error

    def _proc_member(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        # these headers are read into memory whole
        if self.type in _HEADER_TYPES and self.size > _MOST_HEADER_BYTES:
            raise tarfile.ReadError("a header of over a megabyte")
        return cast(tarfile.TarInfo, super()._proc_member(tar))  # type: ignore[misc]


def _unpacked(file: BinaryIO) -> BinaryIO:
    """The archive's plain bytes, whichever of gzip, bzip2 and xz it is packed with."""
    head = file.read(6)
    file.seek(0)
    if head.startswith(b"\x1f\x8b"):
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if head.startswith(b"BZh"):
        return cast(BinaryIO, bz2.BZ2File(file))
    if head.startswith(b"\xfd7zXZ\x00"):
        return cast(BinaryIO, lzma.LZMAFile(file))
    return file
