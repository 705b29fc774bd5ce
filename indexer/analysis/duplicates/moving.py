"""Carries out a plan on this machine, and undoes it: nothing is deleted, nothing overwritten.

Before a file is moved its line is in the journal on disk, so whatever interrupts leaves a record
from which the same command goes on, and from which it is undone:

    FOLDER/journal.jsonl           one line a move, written first
    FOLDER/000001/holiday.jpg      what was moved, under its own name
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TextIO

from indexer.analysis.duplicates.plans import Leaving
from indexer.content import sha256_of
from indexer.errors import InvalidInput
from indexer.readers.uris import file_uri, path_of, readable

JOURNAL = "journal.jsonl"

_NO_LINKS = {errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.EACCES}


@dataclass(slots=True)
class Moved:
    """What became of a plan: files moved now, moved before, and those left alone, with why."""

    moved: int = 0
    before: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)


def apply(
    leaving: Sequence[Leaving], folder: Path, on_each: Callable[[int], object] = lambda _: None
) -> Moved:
    """Move the files of a plan into the folder.

    A file is left alone if it or the one to keep is gone, is a link, or holds something else than
    when the plan was made. Raises `InvalidInput` if the folder cannot be used.
    """
    outcome = Moved()
    with _disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / JOURNAL).open("a", encoding="ascii") as journal:
            if journal.tell():
                journal.write("\n")  # a line that was cut off must not swallow the next
            for number, one in enumerate(leaving, start=1):
                source = path_of(one.uri)
                target = folder / f"{number:06}" / source.name
                _move_one(one, source, target, partial(_note, journal), outcome)
                on_each(number)
    return outcome


def undo(folder: Path, on_each: Callable[[int], object] = lambda _: None) -> Moved:
    """Move everything in the journal back to where it was, the last first.

    What is there again in the meantime is not overwritten. Raises `InvalidInput` if there is no
    journal.
    """
    outcome = Moved()
    with _disk(folder):
        lines = [*_journal(folder)]
        for number, (source, target, sha256) in enumerate(reversed(lines), start=1):
            _return_one(source, target, sha256, outcome)
            on_each(number)
    return outcome


def _move_one(
    one: Leaving,
    source: Path,
    target: Path,
    note: Callable[[dict[str, str]], object],
    outcome: Moved,
) -> None:
    if _holds(target, one.sha256):
        if _holds(source, one.sha256):  # cut off between the two halves of a move
            source.unlink()
            outcome.moved += 1
        else:
            outcome.before += 1
        return
    why = _objection(one, source, target)
    if why is not None:
        outcome.refused.append((readable(source), why))
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    note({"from": one.uri, "to": file_uri(target), "sha256": one.sha256})
    _carry(source, target, one.sha256)
    outcome.moved += 1


def _return_one(source: Path, target: Path, sha256: str, outcome: Moved) -> None:
    if not os.path.lexists(target):
        outcome.before += 1  # never moved, or returned already
    elif os.path.lexists(source):
        if _holds(source, sha256) and os.path.samefile(source, target):
            target.unlink()  # cut off between the two halves of a move
            outcome.moved += 1
        else:
            outcome.refused.append((readable(source), "there is a file again; move it away first"))
    elif not _holds(target, sha256):
        outcome.refused.append((readable(target), "it was changed since it was moved"))
    else:
        source.parent.mkdir(parents=True, exist_ok=True)
        _carry(target, source, sha256)
        outcome.moved += 1
        with contextlib.suppress(OSError):
            target.parent.rmdir()


def _objection(one: Leaving, source: Path, target: Path) -> str | None:
    """Why a file is left alone; None if it can be moved."""
    kept = path_of(one.keeper_uri)
    if os.path.lexists(target):
        return f"{readable(target)} is there already; choose another folder"
    if not os.path.lexists(source):
        return "it is gone"
    if source.is_symlink():
        return "it is a link to another file"
    if not _holds(source, one.sha256):
        return "it holds something else than when the plan was made; index its folder again"
    if not _holds(kept, one.keeper_sha256):
        return f"the one to keep, {readable(kept)}, is gone or holds something else"
    if os.path.samefile(source, kept):
        return f"it is the same file as the one to keep, {readable(kept)}, under another name"
    return None


def _holds(path: Path, sha256: str) -> bool:
    try:
        with path.open("rb") as file:
            return sha256_of(file) == sha256
    except OSError:
        return False


def _carry(source: Path, target: Path, sha256: str) -> None:
    """Move without overwriting: first the new name, then the old one goes."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _copy(source, target, sha256)
    source.unlink()


def _copy(source: Path, target: Path, sha256: str) -> None:
    """Copy to another disk, whole or not at all."""
    unfinished = target.with_name(f".{sha256[:16]}.unfinished")
    shutil.copy2(source, unfinished)
    if not _holds(unfinished, sha256):
        unfinished.unlink()
        raise OSError(errno.EIO, "the copy differs from the original", str(source))
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.rename(target)


def _note(journal: TextIO, line: dict[str, str]) -> None:
    journal.write(json.dumps(line) + "\n")
    journal.flush()
    os.fsync(journal.fileno())


def _journal(folder: Path) -> Iterator[tuple[Path, Path, str]]:
    path = folder / JOURNAL
    if not path.is_file():
        raise InvalidInput(
            f"{readable(folder)} has no {JOURNAL}: nothing was moved there.", path=str(folder)
        )
    seen = set()
    for line in path.read_text(encoding="ascii").splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            continue  # cut off while it was written: the move had not begun
        if line not in seen:
            seen.add(line)
            yield path_of(told["from"]), path_of(told["to"]), str(told["sha256"])


@contextlib.contextmanager
def _disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        raise InvalidInput(
            f"Stopped at {readable(error.filename or folder)}: {why}. What was moved by then is in "
            f"{readable(folder / JOURNAL)}; the same command goes on, `undo` moves it back.",
            path=readable(folder),
        ) from error
