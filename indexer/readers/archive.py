"""Members of zip and tar archives as documents; nothing is ever unpacked to disk.

An archive's own document comes last, after its members: once it is in the ledger, all of them
are. It carries the reason if the archive broke off or passed a limit; what came before stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO, Protocol

from indexer.content import Content
from indexer.domain import Reason
from indexer.errors import AssetTooLarge, SemblanceError, UndecodableAsset
from indexer.media import Family, family_of
from indexer.readers.exclusion import excluded_anywhere, excluding
from indexer.readers.found import Candidate, Found, Limits, ReadOptions
from indexer.readers.original import Original, file_errors, skipped, too_large
from indexer.readers.uris import MEMBER, member_uri, readable

Documents = Callable[[Original, ReadOptions], Iterator[Found]]

_RATIO = 200
"""An archive that unpacks to more than this many times its size is a trap..."""

_RATIO_FREE_BYTES = 64 * 1024**2
"""...unless all of it is small."""

_APPLE = "__MACOSX/"  # what macOS adds to every zip: one hidden twin for each file


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive; `read` gives at most that many of its bytes. Sizes in bytes.

    `skip` says why it is not read.
    """

    name: str
    size: int
    read: Callable[[int], Content]
    skip: Reason | None = None


class Budget:
    """Counts unpacked bytes as they come, because headers can promise anything."""

    def __init__(self, archive_bytes: int, limits: Limits) -> None:
        self._limit = min(limits.archive_bytes, max(_RATIO_FREE_BYTES, _RATIO * archive_bytes))
        self._left = self._limit

    def spend(self, count: int) -> None:
        """Note unpacked bytes; raises `AssetTooLarge` once they are too many."""
        self._left -= count
        if self._left < 0:
            raise AssetTooLarge(
                f"The archive unpacks to more than {self._limit} bytes; unpack it yourself and "
                "add the folder, or raise SEMBLANCE_MAX_ARCHIVE_BYTES.",
                limit=self._limit,
            )


class Archive(Protocol):
    """An archive being read. It stays open as long as a member may be asked for its bytes."""

    def members(self) -> Iterator[Member]:
        """Its files in stored order; folders are passed over."""


def read_archive(original: Original, options: ReadOptions, documents: Documents) -> Iterator[Found]:
    """The archive's members as documents, then the archive itself; never raises.

    An archive that `options.unchanged` knows is not opened. Members carry its mtime: if it was
    changed, all of them are read again.
    """
    problem: SemblanceError | None = None
    if not options.unchanged(original.uri, original.size, original.mtime_ns):
        try:
            with file_errors(original.path), archive_errors(original.path):
                yield from _members(original, options, documents)
        except SemblanceError as error:
            problem = error
    yield Found(
        uri=original.uri,
        path=original.path,
        size=original.size,
        mtime_ns=original.mtime_ns,
        read=partial(_end, problem),
    )


@contextmanager
def archive_errors(path: str) -> Iterator[None]:
    """Turn what broken archives raise into `UndecodableAsset`."""
    import lzma
    import tarfile
    import zipfile
    import zlib

    try:
        yield
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        raise UndecodableAsset(
            f"{path} is damaged or incomplete ({error}); bring it again.", path=path
        ) from error
    except (NotImplementedError, RuntimeError, ValueError, OverflowError) as error:
        raise UndecodableAsset(
            f"{path} cannot be unpacked here ({error}); unpack it and add the folder.", path=path
        ) from error


def _members(original: Original, options: ReadOptions, documents: Documents) -> Iterator[Found]:
    from indexer.readers.tars import TarArchive
    from indexer.readers.zips import ZipArchive

    is_zip = original.name.lower().endswith(".zip")
    archive: Archive = (ZipArchive if is_zip else TarArchive)(original, options.limits)
    excluded = excluding(options.exclude)
    for count, member in enumerate(archive.members()):
        if count >= options.limits.archive_members:
            raise AssetTooLarge(
                f"{original.path} has over {options.limits.archive_members} members; split it "
                "or raise SEMBLANCE_MAX_ARCHIVE_MEMBERS."
            )
        if member.name.startswith(_APPLE) or excluded_anywhere(excluded, member.name):
            continue
        inner = _inner(original, member, options)
        if member.skip is not None:
            yield skipped(inner, member.skip.code, member.skip.message)
        elif _is_unsafe(member.name):
            yield skipped(inner, "unsafe_name", "Its name leads out of the archive.")
        else:
            yield from documents(inner, options)


def _inner(original: Original, member: Member, options: ReadOptions) -> Original:
    name = PurePosixPath(member.name)
    label = name.parent.name
    picture = family_of(name.name) is Family.IMAGE
    path = f"{original.path}{MEMBER}{readable(member.name)}"
    return Original(
        uri=member_uri(original.uri, member.name),
        path=path,
        name=name.name,
        size=member.size,
        mtime_ns=original.mtime_ns,
        open=partial(_open, member, path, options.limits),
        whole=partial(_read, member, path),
        container=original.uri,
        metadata={"label": readable(label)} if options.labels and label and picture else {},
    )


def _open(member: Member, path: str, limits: Limits) -> BinaryIO:
    content = _read(member, path, limits.file_bytes + 1)
    if content.size > limits.file_bytes:
        raise too_large(path, limits, content.size)
    return content.open()


def _read(member: Member, path: str, most: int) -> Content:
    with archive_errors(path):
        return member.read(most)


def _is_unsafe(name: str) -> bool:
    slashed = name.replace("\\", "/")
    return slashed.startswith("/") or ".." in slashed.split("/") or slashed[1:2] == ":"


def _end(problem: SemblanceError | None) -> Iterator[Candidate]:
    if problem is not None:
        raise problem
    yield from ()
