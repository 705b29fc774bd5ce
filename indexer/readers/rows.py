"""The rows of CSV, JSON Lines and Parquet, one after the other, whatever the table's size."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from indexer.charsets import encoding_of
from indexer.domain import Reason
from indexer.errors import UndecodableAsset
from indexer.media import extension
from indexer.readers.found import Limits
from indexer.readers.original import Original

if TYPE_CHECKING:
    import pyarrow

_SAMPLE = 64 * 1024
_DELIMITERS = (",", "\t", ";", "|")
_ROWS_AT_ONCE = 64
"""Rows of a Parquet file held in memory: they may hold pictures."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row by column name; `number` counts from 1 and leaves the header out.

    `problem` says why it cannot be used.
    """

    number: int
    values: Mapping[str, object] = field(default_factory=dict)
    problem: Reason | None = None


def read_rows(original: Original, limits: Limits) -> Iterator[Row]:
    """All rows of a table, lazily; raises `UndecodableAsset` if the file as a whole is broken."""
    reader = _READERS[extension(original.name)]
    with original.open() as file:
        if not file.read(1):
            raise UndecodableAsset(f"{original.path} is empty.", path=original.path)
        file.seek(0)
        yield from reader(file, original.path, limits)


def _csv_rows(file: BinaryIO, path: str, limits: Limits) -> Iterator[Row]:
    # a limit for the process; the one on files is the one that people set
    csv.field_size_limit(min(limits.file_bytes, sys.maxsize))
    with _text(file) as text:
        sample = text.read(_SAMPLE)
        text.seek(0)
        yield from _rows_below_header(csv.reader(text, delimiter=_delimiter(sample, path)))


def _rows_below_header(reader: Iterator[list[str]]) -> Iterator[Row]:
    header: list[str] | None = None
    number = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            number += 1
            yield _bad(number, f"it cannot be parsed ({error})")
            continue
        if not any(cells):
            continue
        if header is None:
            header = [name.strip() for name in cells]
            continue
        number += 1
        yield _csv_row(number, header, cells)


def _csv_row(number: int, header: list[str], cells: list[str]) -> Row:
    if len(cells) > len(header) and any(cells[len(header) :]):
        return _bad(number, f"it has {len(cells)} cells, the header has {len(header)}")
    if not all(cell.isascii() or _is_clean(cell) for cell in cells):
        return _bad(number, "its characters cannot be decoded; save the table as UTF-8")
    # short rows lack their last cells
    return Row(number, dict(zip(header, cells, strict=False)))


def _jsonl_rows(file: BinaryIO, _path: str, _limits: Limits) -> Iterator[Row]:
    with _text(file) as text:
        lines = (line for line in text if not line.isspace())
        for number, line in enumerate(lines, 1):
            yield _jsonl_row(number, line)


def _jsonl_row(number: int, line: str) -> Row:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        return _bad(number, f"it is no JSON ({error})")
    return Row(number, value) if isinstance(value, dict) else _bad(number, "it is no JSON object")


def _parquet_rows(file: BinaryIO, path: str, _limits: Limits) -> Iterator[Row]:
    import pyarrow
    from pyarrow.parquet import ParquetFile

    try:
        table = ParquetFile(file)
        number = 0
        for batch in table.iter_batches(batch_size=_ROWS_AT_ONCE, use_threads=False):
            columns = [_values(column) for column in batch.columns]
            for cells in zip(*columns, strict=True):
                number += 1
                yield Row(number, dict(zip(batch.schema.names, cells, strict=True)))
    except (pyarrow.ArrowException, OSError) as error:
        raise UndecodableAsset(
            f"{path} is no readable Parquet file ({error}); write it again.", path=path
        ) from error


def _values(column: pyarrow.Array) -> list[object]:
    try:
        return list(column.to_pylist())
    except (ValueError, OverflowError):
        # times finer than microseconds, or beyond the year 9999
        return [str(value) if value.is_valid else None for value in column]


def _text(file: BinaryIO) -> io.TextIOWrapper:
    encoding = encoding_of(file.read(_SAMPLE))
    file.seek(0)
    # one row with a broken character must not end the table: it is found by its surrogates
    errors = "surrogateescape" if encoding.startswith("utf-8") else "replace"
    return io.TextIOWrapper(file, encoding, errors=errors, newline="")


def _delimiter(sample: str, path: str) -> str:
    """The delimiter that cuts the header into most columns."""
    lines = [line for line in sample.split("\n") if line.strip()]
    if "\x00" in sample or not lines:
        raise UndecodableAsset(f"{path} is no table of text; save it as CSV in UTF-8.", path=path)

    def columns(delimiter: str) -> int:
        return len(next(csv.reader(lines[:1], delimiter=delimiter), []))

    return max(_DELIMITERS, key=columns)


def _is_clean(cell: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in cell)


def _bad(number: int, why: str) -> Row:
    return Row(number, problem=Reason(UndecodableAsset.code, f"Row {number} is left out: {why}."))


_READERS: dict[str, Callable[[BinaryIO, str, Limits], Iterator[Row]]] = {
    ".csv": _csv_rows,
    ".tsv": _csv_rows,
    ".jsonl": _jsonl_rows,
    ".ndjson": _jsonl_rows,
    ".parquet": _parquet_rows,
}
