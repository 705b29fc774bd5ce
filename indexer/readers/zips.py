"""Zip archives: members are read in any order, and counted while they are."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, cast

from indexer.content import Content, blocks_of, spooled
from indexer.domain import Reason
from indexer.errors import AssetTooLarge
from indexer.readers.archive import Budget, Member
from indexer.readers.found import Limits
from indexer.readers.original import Original

_BLOCK = 1024 * 1024
_ENCRYPTED, _UTF8_NAME = 0x1, 0x800
_END, _END_SIZE, _LONGEST_COMMENT = b"PK\x05\x06", 22, 65535
_ENTRY = b"PK\x01\x02"
_LOCKED = Reason("encrypted", "It is locked with a password; unpack the archive and add its files.")
_LINK = Reason("unsupported_media", "This is a link and no file.")


class ZipArchive:
    """A zip being read; closed when nothing refers to it any more."""

    def __init__(self, original: Original, limits: Limits) -> None:
        self._file = original.open()
        try:
            _check_directory(self._file, original.path, limits)
            self._zip = zipfile.ZipFile(self._file)
        except BaseException:
            self._file.close()
            raise
        self._budget = Budget(original.size, limits)

    def __del__(self) -> None:
        # members are read long after they were listed, so no block can hold the file
        file = getattr(self, "_file", None)
        if file is not None:
            file.close()

    def members(self) -> Iterator[Member]:
        """Its files in stored order; folders are passed over."""
        for info in self._zip.infolist():
            if not info.is_dir():
                read = partial(self._read, info)
                yield Member(_name(info), info.file_size, read, _skip(info))

    def _read(self, info: zipfile.ZipInfo, most: int) -> Content:
        return spooled(self._blocks(info, most))

    def _blocks(self, info: zipfile.ZipInfo, most: int) -> Iterator[bytes]:
        with self._zip.open(info) as file:
            for block in blocks_of(cast("BinaryIO", file), most):
                self._budget.spend(len(block))
                yield block


def _skip(info: zipfile.ZipInfo) -> Reason | None:
    if stat.S_ISLNK(info.external_attr >> 16):
        return _LINK
    return _LOCKED if info.flag_bits & _ENCRYPTED else None


def _name(info: zipfile.ZipInfo) -> str:
    """The member's name; many programs write UTF-8 without saying so, which zipfile misreads."""
    if info.flag_bits & _UTF8_NAME or info.filename.isascii():
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _check_directory(file: BinaryIO, path: str, limits: Limits) -> None:
    """Raise `AssetTooLarge` if the directory has too many entries, before zipfile loads them all.

    Counts what marks an entry, because the number that the archive states may be a lie.
    """
    size = file.seek(0, 2)
    file.seek(max(0, size - _END_SIZE - _LONGEST_COMMENT))
    tail = file.read()
    end = tail.rfind(_END)
    if end < 0 or end + _END_SIZE > len(tail):
        return  # zipfile will say that this is no zip
    stated = struct.unpack_from("<I", tail, end + 12)[0]
    at = size - len(tail) + end - stated
    # a directory over 4 GiB states 0xFFFFFFFF: then all that lies before the end is looked at
    file.seek(max(0, at))
    entries = 0
    while block := file.read(_BLOCK):
        entries += block.count(_ENTRY)
        if entries > limits.archive_members:
            raise AssetTooLarge(
                f"{path} has over {limits.archive_members} members; split it or raise "
                "SEMBLANCE_MAX_ARCHIVE_MEMBERS.",
                path=path,
            )
    file.seek(0)
