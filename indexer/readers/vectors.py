"""Vectors made elsewhere: NumPy's `.npy` with ids beside it, Parquet and JSON Lines.

Read row by row and in one direction, so that memory stays flat. Vectors come out with length 1,
because a Space compares by cosine. A row that cannot be used says so by its number, and the
others go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from indexer.errors import InvalidInput
from indexer.media import extension
from indexer.readers.found import Limits
from indexer.readers.npy import open_npy
from indexer.readers.original import file_errors
from indexer.readers.rows import Row, read_rows
from indexer.readers.vector_rows import (
    VectorFile,
    VectorRow,
    check_there,
    checked_row,
    original_at,
)

VECTOR_COLUMNS = ("vector", "embedding", "embeddings", "vectors", "features")
_TABLES = (".parquet", ".jsonl", ".ndjson")
_LOOKED_AT = 50
"""Rows by which the column of vectors and their dimension are found."""

_ROWS_AT_ONCE = 256


def open_vectors(
    path: Path, limits: Limits, *, ids: Path | None = None, column: str | None = None
) -> VectorFile:
    """Look at a file of vectors without reading it.

    `ids` is the table or list that names the rows of a `.npy` file; by default the one of the
    same name beside it. `column` is the column of a table that holds the vectors. Raises
    `NotFound`, or `InvalidInput` naming what is wrong with the file as a whole.
    """
    check_there(path)
    ending = extension(path.name)
    if ending == ".npy":
        return open_npy(path, limits, ids)
    if ending not in _TABLES:
        raise InvalidInput(
            f"{path} is no file of vectors that is known here: give .npy, .parquet or .jsonl.",
            path=str(path),
        )
    return _open_table(path, limits, column)


def _open_table(path: Path, limits: Limits, column: str | None) -> VectorFile:
    read = partial(_parquet_rows, path) if extension(path.name) == ".parquet" else None
    rows_of = read or partial(read_rows, original_at(path), limits)
    first = [row for row in islice(rows_of(), _LOOKED_AT) if row.problem is None]
    names = list(dict.fromkeys(name for row in first for name in row.values))
    chosen = _vector_column(path, first, names, column)
    sizes = [size for row in first if (size := _size(row.values.get(chosen))) is not None]
    if not sizes:
        raise InvalidInput(
            f"{path}: the first rows have no list of numbers in column {chosen!r}.", path=str(path)
        )
    # the most frequent one: a ragged first row must not make all others wrong
    dimension = max(sizes, key=sizes.count)

    def rows() -> Iterator[VectorRow]:
        for row in rows_of():
            rest = {name: value for name, value in row.values.items() if name != chosen}
            yield checked_row(row.number, row.values.get(chosen), rest, row.problem, dimension)

    return VectorFile(path, dimension, tuple(name for name in names if name != chosen), rows)


def _vector_column(path: Path, rows: Sequence[Row], names: Sequence[str], asked: str | None) -> str:
    listed = ", ".join(map(str, names)) or "no columns"
    if asked is not None:
        if asked not in names:
            raise InvalidInput(f"{path} has no column {asked!r}; it has {listed}.", path=str(path))
        return asked
    known = [name for name in VECTOR_COLUMNS if name in names]
    lists = [name for name in names if any(_size(row.values.get(name)) for row in rows)]
    if not known and len(lists) != 1:
        raise InvalidInput(
            f"{path} has no column that is known to hold vectors; name one of {listed}.",
            path=str(path),
        )
    return known[0] if known else lists[0]


def _parquet_rows(path: Path) -> Iterator[Row]:
    """Rows whose lists of numbers are arrays, which take a tenth of the time of lists."""
    import pyarrow
    from pyarrow.parquet import ParquetFile

    try:
        with file_errors(str(path)), ParquetFile(path, memory_map=True) as table:
            number = 0
            for batch in table.iter_batches(batch_size=_ROWS_AT_ONCE, use_threads=False):
                columns = [_cells(column) for column in batch.columns]
                for cells in zip(*columns, strict=True):
                    number += 1
                    yield Row(number, dict(zip(batch.schema.names, cells, strict=True)))
    except pyarrow.ArrowException as error:
        raise InvalidInput(
            f"{path} is no readable Parquet file ({error}); write it again.", path=str(path)
        ) from error


def _cells(column: Any) -> list[object]:
    from pyarrow import types

    is_list = (
        types.is_list(column.type)
        or types.is_large_list(column.type)
        or types.is_fixed_size_list(column.type)
    )
    if is_list and (types.is_floating(column.type.value_type) or _is_whole(column.type.value_type)):
        return [
            cell.values.to_numpy(zero_copy_only=False) if cell.is_valid else None for cell in column
        ]
    return list(column.to_pylist())


def _is_whole(type: Any) -> bool:
    from pyarrow import types

    return bool(types.is_integer(type))


def _size(value: object) -> int | None:
    """How many numbers the cell holds; None if it is no list of numbers."""
    if isinstance(value, np.ndarray):
        return value.size if value.ndim == 1 else None
    if not isinstance(value, list) or not value:
        return None
    return len(value) if all(isinstance(number, int | float) for number in value) else None
