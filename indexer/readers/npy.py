"""NumPy's `.npy`: rows of numbers, mapped and never unpickled, and their ids from another file."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.charsets import encoding_of
from indexer.errors import InvalidInput
from indexer.media import extension
from indexer.readers.found import Limits
from indexer.readers.original import file_errors
from indexer.readers.rows import Row, read_rows
from indexer.readers.vector_rows import (
    VectorFile,
    VectorRow,
    check_there,
    checked_row,
    original_at,
)

_TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
_LOOKED_AT = 50
"""Rows by which the columns are found."""


def open_npy(path: Path, limits: Limits, ids: Path | None) -> VectorFile:
    """Look at a `.npy` file and its ids. Raises `InvalidInput` naming what is wrong."""
    ids = ids or _beside(path)
    check_there(ids)
    matrix = _mapped(path)
    names = list(islice(_id_rows(ids, limits), _LOOKED_AT))
    count = sum(1 for _ in _id_rows(ids, limits))
    if count != len(matrix):
        raise InvalidInput(
            f"{path} has {len(matrix)} rows and {ids} has {count}; each row needs its id.",
            path=str(path),
        )
    columns = dict.fromkeys(name for row in names for name in row.values)

    def rows() -> Iterator[VectorRow]:
        for number, row in enumerate(_id_rows(ids, limits)):
            # one row at a time is copied out of the map: the file may be larger than memory
            yield checked_row(number + 1, matrix[number], row.values, row.problem, matrix.shape[1])

    return VectorFile(path, int(matrix.shape[1]), tuple(columns), rows)


def _mapped(path: Path) -> NDArray[Any]:
    try:
        with file_errors(str(path)):
            matrix = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise InvalidInput(
            f"{path} is no .npy file of plain numbers ({error}); save it with numpy.save as an "
            "array of float32.",
            path=str(path),
        ) from error
    if not isinstance(matrix, np.ndarray) or matrix.ndim != 2 or matrix.dtype.kind not in "fiu":
        shape, dtype = getattr(matrix, "shape", "?"), getattr(matrix, "dtype", "?")
        raise InvalidInput(
            f"{path} holds an array of shape {shape} and type {dtype}; vectors are the rows of an "
            "array of numbers with two dimensions.",
            path=str(path),
        )
    if 0 in matrix.shape:
        raise InvalidInput(f"{path} holds no vectors: its shape is {matrix.shape}.", path=str(path))
    return matrix


def _beside(path: Path) -> Path:
    for ending in (".txt", *_TABLES):
        if (there := path.with_suffix(ending)).is_file():
            return there
    raise InvalidInput(
        f"{path} holds numbers alone: put the rows' ids beside it as {path.stem}.txt (one a line), "
        f"{path.stem}.csv or {path.stem}.jsonl, or name the file that has them.",
        path=str(path),
    )


def _id_rows(path: Path, limits: Limits) -> Iterator[Row]:
    if extension(path.name) in _TABLES:
        yield from read_rows(original_at(path), limits)
        return
    with file_errors(str(path)), path.open("rb") as file:
        encoding = encoding_of(file.read(64 * 1024))
        file.seek(0)
        for number, line in enumerate(file, 1):
            text = line.decode(encoding, "replace").strip("\r\n\ufeff")
            yield Row(number, {"id": text})
