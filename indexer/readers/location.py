"""The single entry to all readers: a location on disk, or content that was handed over."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from indexer.content import Content
from indexer.errors import NotFound
from indexer.readers.captions import MAX_CAPTION_BYTES, caption_files
from indexer.readers.documents import documents
from indexer.readers.folder import plain_file, read_folder
from indexer.readers.found import Found, ReadOptions
from indexer.readers.original import Original, file_errors, skipped
from indexer.readers.uris import file_uri, readable, upload_uri


def read_location(path: Path, options: ReadOptions) -> Iterator[Found]:
    """The documents at a location: all below a folder, or those of a single file.

    Lazy: nothing but names and sizes is read until a document's `read` is called. Raises at once
    `NotFound` if there is nothing at the path, `InvalidInput` if it may not be looked at.
    """
    place = os.path.abspath(path)
    shown = readable(place)
    try:
        with file_errors(shown):
            status = os.stat(place)
    except Exception as error:
        if isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
            raise NotFound(
                f"There is nothing at {shown}; check the path.", path=shown
            ) from error.__cause__
        raise
    if stat.S_ISDIR(status.st_mode):
        return read_folder(Path(place), options)
    return _single(place, status, options)


def read_upload(
    name: str, content: Content, options: ReadOptions, prefix: str = ""
) -> Iterator[Found]:
    """The documents in an upload, by the kind of file that their name promises.

    Their URIs are `upload:///<prefix>/<name>`: a prefix keeps uploads of one name apart.
    """
    name = name.replace("\\", "/").lstrip("/") or "unnamed"
    original = Original(
        uri=upload_uri(f"{prefix}/{name}" if prefix else name),
        path=readable(name),
        name=name.rsplit("/", 1)[-1],
        size=content.size,
        mtime_ns=0,
        open=content.open,
        whole=lambda _: content,
    )
    return documents(original, options)


def _single(place: str, status: os.stat_result, options: ReadOptions) -> Iterator[Found]:
    original = plain_file(place, status, file_uri(place), beside=_beside(place))
    if not stat.S_ISREG(status.st_mode):
        return iter([skipped(original, "unsupported_media", "This is no regular file.")])
    return documents(original, options)


def _beside(place: str) -> list[str]:
    """The caption files of a single picture, found without listing its folder."""
    folder, name = os.path.split(place)
    stem = os.path.splitext(name)[0]
    there = [stem + ending for ending in (".txt", ".json") if _is_caption(folder, stem + ending)]
    return caption_files([name, *there]).get(name, [])


def _is_caption(folder: str, name: str) -> bool:
    try:
        return os.stat(os.path.join(folder, name)).st_size <= MAX_CAPTION_BYTES
    except OSError:
        return False
