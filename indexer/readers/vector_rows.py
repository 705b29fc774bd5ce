"""One row of vectors made elsewhere: checked, and brought to length 1."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.charsets import without_surrogates
from indexer.domain import Reason
from indexer.errors import NotFound
from indexer.readers.original import Original, open_file
from indexer.readers.uris import file_uri, readable

Vector = NDArray[np.float32]

_SHORTEST = 1e-20
"""Length below which a vector points nowhere in float32."""


@dataclass(frozen=True, slots=True)
class VectorRow:
    """One row: its number from 1, its unit vector, its other columns.

    `problem` says why there is no vector.
    """

    number: int
    vector: Vector | None
    values: Mapping[str, object] = field(default_factory=dict)
    problem: Reason | None = None


@dataclass(frozen=True, slots=True)
class VectorFile:
    """A file of vectors that has been looked at: their dimension, and the other columns' names.

    `rows` reads it from the beginning, as often as it is called.
    """

    path: Path
    dimension: int
    columns: tuple[str, ...]
    rows: Callable[[], Iterator[VectorRow]]


def checked_row(
    number: int,
    raw: object,
    values: Mapping[str, object],
    problem: Reason | None,
    dimension: int,
) -> VectorRow:
    """The row with its vector, or with the reason why there is none."""
    clean = {without_surrogates(str(name)): value for name, value in values.items()}
    if problem is not None:
        return VectorRow(number, None, clean, problem)
    vector = _unit(raw, dimension)
    if isinstance(vector, str):
        return VectorRow(number, None, clean, Reason("invalid_input", f"Row {number} {vector}."))
    return VectorRow(number, vector, clean)


def _unit(raw: object, dimension: int) -> Vector | str:
    """The vector with length 1, or what is wrong with it."""
    if raw is None:
        return "has no vector"
    try:
        numbers = np.asarray(raw)
    except ValueError:
        return "has a list of lists for its vector"
    if numbers.dtype.kind not in "fiu" or numbers.ndim != 1:
        return "has a vector that is no list of numbers"
    if numbers.size != dimension:
        return f"has a vector of {numbers.size} numbers, not {dimension}"
    wide = numbers.astype(np.float64)
    if not np.isfinite(wide).all():
        return "has NaN or infinity in its vector"
    length = float(np.linalg.norm(wide))
    if not length > _SHORTEST or not np.isfinite(length):
        return "has a vector of zeros, which points nowhere"
    return np.asarray(wide / length, dtype=np.float32)


def check_there(path: Path) -> None:
    """Raise `NotFound` if there is no file at the path."""
    if not path.is_file():
        raise NotFound(f"There is no file {path}; check the path.", path=str(path))


def original_at(path: Path) -> Original:
    """A plain file as readers take it."""
    stat = path.stat()
    return Original(
        uri=file_uri(path),
        path=readable(path),
        name=path.name,
        size=stat.st_size,
        mtime_ns=stat.st_mtime_ns,
        open=partial(open_file, path),
        file=str(path),
    )
