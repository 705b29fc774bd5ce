"""Carries out a plan on this machine, and undoes it: nothing is deleted, nothing overwritten.

Before a file is moved its line is in the journal on disk, so whatever interrupts leaves a record
from which the same command goes on, and from which it is undone:

    FOLDER/journal.jsonl           one line a move, written first
    FOLDER/000001/holiday.jpg      what was moved, under its own name

Where a move was cut off there are two names of one content, and one of them is taken away. That is
done only for a move in the journal, and only of two names that are surely two.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from indexer.analysis.duplicates.carrying import Tied, carry, holds, lies_in, take_away
from indexer.analysis.duplicates.journal import JOURNAL, Journal, Move, opened
from indexer.analysis.duplicates.plans import Leaving
from indexer.errors import InvalidInput
from indexer.readers.uris import path_of, readable

_OF_THE_FOLDER = {
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENODEV, errno.ENXIO, errno.ESTALE,
}  # fmt: skip
"""What speaks of the disk that all files go to, not of the one file."""


@dataclass(slots=True)
class Moved:
    """What became of a plan: files moved now, moved before, and those left alone, with why."""

    moved: int = 0
    before: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)

    def refuse(self, path: Path, why: str) -> None:
        """Tell that a file was left alone."""
        self.refused.append((readable(path), why))


def apply(
    leaving: Sequence[Leaving], folder: Path, on_each: Callable[[int], object] = lambda _: None
) -> Moved:
    """Move the files of a plan into the folder.

    A file is left alone if it or the one to keep is gone, lies in the folder already, or holds
    something else than when the plan was made; if it is a link; and if it cannot be taken away.
    Raises `InvalidInput` if the folder cannot be used.
    """
    outcome = Moved()
    with _disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with opened(folder) as journal:
            for number, one in enumerate(leaving, start=1):
                source = path_of(one.uri)
                move = Move(source, folder / f"{number:06}" / source.name, one.sha256)
                _move_one(one, move, folder, journal, outcome)
                on_each(number)
    return outcome


def undo(folder: Path, on_each: Callable[[int], object] = lambda _: None) -> Moved:
    """Move everything in the journal back to where it was, the last first.

    What is there again in the meantime is not overwritten. Raises `InvalidInput` if there is no
    journal.
    """
    outcome = Moved()
    if not (folder / JOURNAL).is_file():
        raise InvalidInput(
            f"{readable(folder)} has no {JOURNAL}: nothing was moved there.", path=readable(folder)
        )
    with _disk(folder), opened(folder) as journal:
        for number, move in enumerate(reversed(journal.moves.values()), start=1):
            try:
                _return_one(move, folder, outcome)
            except OSError as error:
                outcome.refuse(move.target, f"it cannot go back: {error.strerror or error}")
            on_each(number)
    return outcome


def _move_one(one: Leaving, move: Move, folder: Path, journal: Journal, outcome: Moved) -> None:
    # where the journal knows this very move and its file is there, it was made at least half
    begun = journal.moves.get(move.target) == move and holds(move.target, move.sha256)
    if begun and not os.path.lexists(move.source):
        outcome.before += 1
        return
    why = _objection(one, move.source, folder)
    if why is None and not begun and os.path.lexists(move.target):
        why = f"{readable(move.target)} is there already; choose another folder"
    if why is not None:
        outcome.refuse(move.source, why)
        return
    if not begun:
        journal.note(move)  # if this fails nothing more may be moved
    try:
        if begun:
            take_away(move.source, move.target)
        else:
            move.target.parent.mkdir(exist_ok=True)
            carry(move.source, move.target, move.sha256)
    except OSError as error:
        if error.errno in _OF_THE_FOLDER and not isinstance(error, Tied):
            raise
        outcome.refuse(move.source, f"it cannot be moved: {error.strerror or error}")
    else:
        outcome.moved += 1


def _return_one(move: Move, folder: Path, outcome: Moved) -> None:
    source, target = move.source, move.target
    if not os.path.lexists(target):
        outcome.before += 1  # never moved, or returned already
        return
    if not os.path.lexists(source):
        if not holds(target, move.sha256):
            outcome.refuse(target, "it was changed since it was moved")
            return
        source.parent.mkdir(parents=True, exist_ok=True)
        carry(target, source, move.sha256)
    elif _is_second_name(source, move, folder):
        take_away(target, source)
    else:
        outcome.refuse(source, "there is a file again; move it away first")
        return
    outcome.moved += 1
    with contextlib.suppress(OSError):
        target.parent.rmdir()


def _is_second_name(path: Path, move: Move, folder: Path) -> bool:
    """Whether the file is here as well as where it was moved to: a move was cut off."""
    return not path.is_symlink() and not lies_in(path, folder) and holds(path, move.sha256)


def _objection(one: Leaving, source: Path, folder: Path) -> str | None:
    """Why a file is left alone, wherever it was to go; None if it can be taken away."""
    kept = path_of(one.keeper_uri)
    if not os.path.lexists(source):
        return "it is gone"
    if source.is_symlink():
        return "it is a link to another file"
    if lies_in(source, folder):
        return f"it lies in {readable(folder)} already; choose another folder"
    if lies_in(Path(os.path.realpath(kept)), folder):
        return f"the one to keep, {readable(kept)}, lies among what was moved away"
    if not os.access(source.parent, os.W_OK | os.X_OK):
        return "it cannot be moved: its folder cannot be written to"
    if not holds(source, one.sha256):
        return "it holds something else than when the plan was made; index its folder again"
    if not holds(kept, one.keeper_sha256):
        return f"the one to keep, {readable(kept)}, is gone or holds something else"
    if os.path.samefile(source, kept):
        return f"it is the same file as the one to keep, {readable(kept)}, under another name"
    return None


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
