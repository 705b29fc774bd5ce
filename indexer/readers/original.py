"""One file, archive member or upload, before it is known what is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO

from indexer.content import Content, Open, of_file
from indexer.domain import Reason, Source
from indexer.errors import AssetTooLarge, InvalidInput
from indexer.readers.found import Candidate, Found, Limits


@dataclass(frozen=True, slots=True)
class Original:
    """Where bytes are and how to get them; nothing is opened until `open` is called.

    `open` gives a seekable file at its start. `whole` gives at most so many of its bytes as
    content where that is nearer at hand than reading the file.
    `file` is the path of a plain file that stays where it is. `label` and `beside` (a caption and
    other facts from files beside it, computed when asked) become metadata of a picture.
    """

    uri: str
    path: str
    name: str
    size: int
    mtime_ns: int
    open: Open
    whole: Callable[[int], Content] | None = None
    file: str | None = None
    container: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    beside: Callable[[], Mapping[str, object]] | None = None

    @property
    def blob(self) -> str | None:
        """The URI under which exactly these bytes stay readable; None if they must be copied."""
        return self.uri if self.file is not None else None

    def source(self, **place: int | None) -> Source:
        """Where in this document something was found: `page`, `row`, `start`, `end`."""
        return Source(uri=self.uri, path=self.path, **place)


def read_bytes(original: Original, limits: Limits) -> bytes:
    """All bytes; raises `AssetTooLarge` over `limits.file_bytes`, whatever size was promised."""
    if original.size > limits.file_bytes:
        raise too_large(original.path, limits, original.size)
    with original.open() as file:
        data = file.read(limits.file_bytes + 1)
    if len(data) > limits.file_bytes:
        raise too_large(original.path, limits, len(data))
    return data


def content_of(original: Original, limits: Limits) -> Content:
    """All bytes as content; raises `AssetTooLarge` as `read_bytes` does."""
    if original.size > limits.file_bytes:
        raise too_large(original.path, limits, original.size)
    read = original.whole or partial(of_file, original.open)
    content = read(limits.file_bytes + 1)
    if content.size > limits.file_bytes:
        raise too_large(original.path, limits, content.size)
    return content


def open_file(path: str | Path) -> BinaryIO:
    """The file at a path, open for reading."""
    return open(path, "rb")


def found(original: Original, read: Callable[[], Iterator[Candidate]]) -> Found:
    """The original as a document that is read by `read`."""
    return Found(
        uri=original.uri,
        path=original.path,
        size=original.size,
        mtime_ns=original.mtime_ns,
        read=read,
        container=original.container,
    )


def skipped(original: Original, code: str, message: str) -> Found:
    """The original as a document that is not read, with the reason."""
    return Found(
        uri=original.uri,
        path=original.path,
        size=original.size,
        mtime_ns=original.mtime_ns,
        read=lambda: iter(()),
        container=original.container,
        skip=Reason(code, message),
    )


@contextmanager
def file_errors(path: str) -> Iterator[None]:
    """Turn what the file system refuses into our own errors, with a remedy."""
    try:
        yield
    except FileNotFoundError as error:
        raise InvalidInput(
            f"{path} is not there any more; add its folder again.", path=path
        ) from error
    except PermissionError as error:
        raise InvalidInput(
            f"{path} may not be read by this user; change its permissions and add it again.",
            path=path,
        ) from error
    except OSError as error:
        why = error.strerror or str(error) or type(error).__name__
        raise InvalidInput(
            f"{path} cannot be read ({why}); check the disk and add it again.", path=path
        ) from error


def too_large(path: str, limits: Limits, size: int) -> AssetTooLarge:
    """The error for a file over the limit on bytes."""
    return AssetTooLarge(
        f"{path} is over the limit of {limits.file_bytes} bytes; "
        "make it smaller or raise SEMBLANCE_MAX_FILE_BYTES.",
        path=path,
        size=size,
        limit=limits.file_bytes,
    )
