"""Walks a folder: every file below it as a document, sorted, one folder in memory at a time."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import quote

from indexer.media import Family, family_of
from indexer.readers.captions import (
    MAX_CAPTION_BYTES,
    CocoCaptions,
    caption_files,
    read_beside,
    read_coco,
)
from indexer.readers.documents import documents
from indexer.readers.exclusion import Excluded, excluding
from indexer.readers.found import Candidate, Found, ReadOptions
from indexer.readers.original import Original, file_errors, open_file, skipped
from indexer.readers.uris import file_uri, readable


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder's files, sorted by name; `below` is its path below the root, empty for the root.

    `problem` says why it cannot be listed.
    """

    path: str
    below: str
    files: Sequence[os.DirEntry[str]] = ()
    problem: OSError | None = None


def read_folder(root: Path, options: ReadOptions) -> Iterator[Found]:
    """Every document below the root; files and folders that cannot be read fail alone.

    Hidden ones (a leading dot) and excluded ones are passed over without a word. Links to folders
    are followed where they lead out of the root, each folder once.
    """
    excluded = excluding(options.exclude)
    loose = _loose_json(walk(root, excluded))
    coco = read_coco(loose, options.limits.file_bytes)
    for folder in walk(root, excluded):
        if folder.problem is not None:
            yield _unreadable(folder.path, folder.problem)
        yield from _documents_of(folder, coco, options)


def walk(root: Path, excluded: Excluded) -> Iterator[Folder]:
    """The root and all folders below it, depth first, each with its files."""
    inside = os.path.join(os.path.realpath(root), "")
    visited: set[tuple[int, int]] = set()
    waiting = [(os.fspath(root), "")]
    while waiting:
        path, below = waiting.pop()
        try:
            status = os.stat(path)
            if (status.st_dev, status.st_ino) in visited:
                continue
            visited.add((status.st_dev, status.st_ino))
            with os.scandir(path) as listed:
                entries = [e for e in listed if not excluded(_join(below, e.name), e.name)]
        except OSError as error:
            yield Folder(path, below, problem=error)
            continue
        entries.sort(key=lambda entry: entry.name)
        yield Folder(path, below, [entry for entry in entries if not _is_folder(entry)])
        folders = [entry for entry in entries if _is_folder(entry)]
        # the last in is the first out
        waiting.extend(
            (entry.path, _join(below, entry.name))
            for entry in reversed(folders)
            if not (entry.is_symlink() and _leads_inside(entry.path, inside))
        )


def plain_file(
    path: str, status: os.stat_result, uri: str, *, beside: Sequence[str] = ()
) -> Original:
    """A file in place as an original; `beside` names the caption files in its folder.

    Its mtime is the latest of them all: a new caption must make the picture be read again.
    """
    mtime_ns = status.st_mtime_ns
    captions = [Path(path).with_name(name) for name in beside]
    for caption in captions:
        try:
            mtime_ns = max(mtime_ns, caption.stat().st_mtime_ns)
        except OSError:
            continue  # reading it will say why
    return Original(
        uri=uri,
        path=readable(path),
        name=os.path.basename(path),
        size=status.st_size,
        mtime_ns=mtime_ns,
        open=partial(open_file, path),
        file=path,
        beside=partial(read_beside, captions) if captions else None,
    )


def with_captions(original: Original, captions: Sequence[str], mtime_ns: int) -> Original:
    """The picture with captions from a COCO file that was changed at `mtime_ns`."""
    return replace(
        original,
        metadata={**original.metadata, "captions": list(captions)},
        mtime_ns=max(original.mtime_ns, mtime_ns),
    )


def captions_among(files: Sequence[os.DirEntry[str]]) -> dict[str, list[str]]:
    """For each picture among the files of one folder, its caption files."""
    return caption_files(entry.name for entry in files if not _is_long_text(entry))


def _documents_of(folder: Folder, coco: CocoCaptions, options: ReadOptions) -> Iterator[Found]:
    beside = captions_among(folder.files)
    consumed = {name for names in beside.values() for name in names}
    uri = file_uri(folder.path).rstrip("/")
    for entry in folder.files:
        if entry.name in consumed or entry.path in coco.files:
            continue
        try:
            status = entry.stat()
        except OSError as error:
            yield _unreadable(entry.path, error)
            continue
        own_uri = f"{uri}/{quote(os.fsencode(entry.name))}"
        original = plain_file(entry.path, status, own_uri, beside=beside.get(entry.name, ()))
        if not stat.S_ISREG(status.st_mode):
            yield skipped(original, "unsupported_media", "This is no regular file.")
            continue
        if family_of(entry.name) is Family.IMAGE:
            original = _described(original, folder, entry.name, coco, options)
        yield from documents(original, options)


def _described(
    original: Original, folder: Folder, name: str, coco: CocoCaptions, options: ReadOptions
) -> Original:
    if options.labels and folder.below:
        label = readable(os.path.basename(folder.below))
        original = replace(original, metadata={"label": label})
    captions = coco.of(_join(folder.below, name))
    return with_captions(original, captions, coco.mtime_ns) if captions else original


def _loose_json(folders: Iterable[Folder]) -> Iterator[Path]:
    """JSON files that are not the caption file of one picture."""
    for folder in folders:
        names = [entry.name for entry in folder.files if entry.name.lower().endswith(".json")]
        if names:
            beside = captions_among(folder.files)
            consumed = {name for several in beside.values() for name in several}
            yield from (Path(folder.path, name) for name in names if name not in consumed)


def _unreadable(path: str, error: OSError) -> Found:
    return Found(file_uri(path), readable(path), 0, 0, partial(_refuse, readable(path), error))


def _refuse(path: str, error: OSError) -> Iterator[Candidate]:
    with file_errors(path):
        raise error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # reading it as a file will say why


def _is_long_text(entry: os.DirEntry[str]) -> bool:
    if not entry.name.lower().endswith(".txt"):
        return False
    try:
        return entry.stat().st_size > MAX_CAPTION_BYTES
    except OSError:
        return True


def _leads_inside(path: str, root: str) -> bool:
    # what lies inside the root is listed where it really is
    return os.path.join(os.path.realpath(path), "").startswith(root)


def _join(below: str, name: str) -> str:
    return f"{below}/{name}" if below else name
