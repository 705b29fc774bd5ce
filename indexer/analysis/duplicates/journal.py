"""What was moved where: one line a move, on the disk before the file is moved."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from indexer.analysis.duplicates.carrying import sync
from indexer.errors import InvalidInput
from indexer.readers.uris import file_uri, path_of, readable

JOURNAL = "journal.jsonl"


@dataclass(frozen=True, slots=True)
class Move:
    """A file with these bytes was going from one place to another."""

    source: Path
    target: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal of a folder: the last move to each place, in the order of the moves."""

    moves: dict[Path, Move]
    _file: TextIO

    def note(self, move: Move) -> None:
        """Write down a move that is about to be made; it is on the disk when this returns."""
        told = {"from": file_uri(move.source), "to": file_uri(move.target), "sha256": move.sha256}
        self._file.write(json.dumps(told) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Journal]:
    """The journal of a folder, made if there is none, for one at a time.

    Raises `InvalidInput` while another one has it, and `OSError` where it cannot be written.
    """
    path = folder / JOURNAL
    with path.open("a", encoding="ascii") as file:
        _lock(file, folder)
        if os.fstat(file.fileno()).st_size:
            file.write("\n")  # a line that was cut off must not swallow the next
        else:
            sync(folder)
            sync(folder.parent)
        yield Journal(_moves(folder), file)


def _lock(file: TextIO, folder: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InvalidInput(
            f"Files are being moved into or out of {readable(folder)}; wait until that is done.",
            path=readable(folder),
        ) from error
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.ENOLCK, errno.EINVAL, errno.ENOSYS):
            raise  # else: a disk without locks


def _moves(folder: Path) -> dict[Path, Move]:
    moves: dict[Path, Move] = {}
    for line in (folder / JOURNAL).read_text(encoding="ascii", errors="replace").splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            continue  # cut off while it was written: the move had not begun
        # by its number and name, for the folder may have been renamed, or be reached otherwise
        target = folder.joinpath(*path_of(told["to"]).parts[-2:])
        moves.pop(target, None)
        moves[target] = Move(path_of(told["from"]), target, str(told["sha256"]))
    return moves
