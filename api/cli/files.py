"""Files that commands write: whole, or not there; `-` and none are stdout."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from indexer.errors import InvalidInput


def write(pieces: Iterable[bytes], out: Path | None) -> int:
    """Write the pieces; returns how many bytes. Raises `InvalidInput` if that cannot be done."""
    written = 0
    with _target(out) as target:
        for piece in pieces:
            target.write(piece)
            written += len(piece)
    return written


@contextmanager
def _target(out: Path | None) -> Iterator[BinaryIO]:
    if out is None or str(out) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    # An export that is cut off must not look like a whole one.
    unfinished = out.with_name(out.name + ".part")
    try:
        with unfinished.open("wb") as file:
            yield file
        unfinished.replace(out)
    except OSError as error:
        raise InvalidInput(f"{out} cannot be written: {error.strerror}.", path=str(out)) from error
    finally:
        unfinished.unlink(missing_ok=True)
