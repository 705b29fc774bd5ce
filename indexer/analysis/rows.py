"""Rows of kept tables: a page, those with a value, in another order; and as other files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from indexer.analysis import artefacts
from indexer.analysis.entry import Analysis
from indexer.analysis.running import plain
from indexer.analysis.subjects import matching
from indexer.blob_store import BlobStore
from indexer.errors import InvalidInput
from indexer.spreadsheets import safe_cell

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS_AT_ONCE = 4096
_PLACE = "row number"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows and columns, and how they are ordered: by default as the analysis left them."""

    offset: int = 0
    limit: int = 100
    column: str | None = None
    value: str | None = None
    order: str | None = None
    descending: bool = False
    columns: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows; `total` is how many there are to page through."""

    total: int
    rows: pa.Table


def page(blobs: BlobStore, analysis: Analysis, table: str, choice: Choice) -> Page:
    """Raises `InvalidInput` for a table, column or value that is not there."""
    if choice.column is None and choice.order is None:
        rows = artefacts.page(blobs, analysis, table, choice.offset, choice.limit)
        return Page(analysis.tables[table].rows, _columns(rows, choice.columns))
    with artefacts.opened(blobs, analysis, table) as file:
        places = _places(file, choice)
        shown = places[choice.offset : choice.offset + choice.limit]
        return Page(len(places), _columns(_at(file, shown), choice.columns))


def _places(file: Any, choice: Choice) -> NDArray[np.int64]:
    """The numbers of the rows that are chosen, in their order; other columns are not read."""
    import pyarrow as pa

    wanted = [name for name in (choice.column, choice.order) if name is not None]
    have = file.schema_arrow.names
    for name in wanted:
        _check_column(have, name)
    keys = file.read(columns=list(dict.fromkeys(wanted)))
    keys = keys.append_column(_PLACE, pa.array(np.arange(keys.num_rows)))
    if choice.column is not None:
        keys = matching(keys, choice.column, choice.value)
    if choice.order is not None:
        keys = _ordered(keys, choice.order, choice.descending)
    places: NDArray[np.int64] = keys.column(_PLACE).to_numpy()
    return places


def _at(file: Any, places: NDArray[np.int64]) -> pa.Table:
    """These rows, from the row groups that they are in."""
    sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    groups = np.searchsorted(starts, places, side="right") - 1
    read = np.unique(groups)
    moved = np.concatenate([[0], np.cumsum(np.diff(starts)[read])])[:-1]
    shift = dict(zip(read.tolist(), (starts[read] - moved).tolist(), strict=True))
    within = [place - shift[group] for place, group in zip(places, groups, strict=True)]
    return file.read_row_groups(read.tolist()).take(within)


def named_assets(rows: pa.Table) -> list[str]:
    """The ids of the assets that the rows name, each once, in their order."""
    found: dict[str, None] = {}
    for name in rows.column_names:
        if name == "id" or name.endswith(("_id", "_ids")):
            for value in rows.column(name).to_pylist():
                for id in value if isinstance(value, list) else [value]:
                    if id:
                        found.setdefault(id)
    return list(found)


def as_json(rows: pa.Table) -> list[dict[str, Any]]:
    """The rows as JSON values."""
    told: list[dict[str, Any]] = plain(rows.to_pylist())  # type: ignore[assignment]
    return told


def as_lines(table: pa.Table) -> Iterator[bytes]:
    """The table as JSON Lines."""
    for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE):
        lines = (json.dumps(plain(row), ensure_ascii=False) for row in batch.to_pylist())
        yield "".join(f"{line}\n" for line in lines).encode()


def as_csv(table: pa.Table) -> Iterator[bytes]:
    """The table as CSV; lists as JSON in their cells."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(table.column_names)
    for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE):
        writer.writerows([_cell(value) for value in row.values()] for row in batch.to_pylist())
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue().encode()  # the names alone, of a table with no rows


def as_arrow(table: pa.Table) -> Iterator[bytes]:
    """The table as an Arrow IPC stream."""
    import pyarrow as pa

    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE):
            stream.write_batch(batch)
            yield sink.getvalue()
            sink.seek(0)
            sink.truncate()
    yield sink.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, list | dict):
        return json.dumps(plain(value), ensure_ascii=False)
    return safe_cell(value)


def _ordered(table: pa.Table, column: str, descending: bool) -> pa.Table:
    import pyarrow as pa

    try:
        return table.sort_by([(column, "descending" if descending else "ascending")])
    except (pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        type = table.schema.field(column).type
        raise InvalidInput(
            f"Rows cannot be ordered by {column!r}, which holds {type}.", column=column
        ) from error


def _columns(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    for column in columns:
        _check_column(table.column_names, column)
    return table.select(list(columns)) if columns else table


def _check_column(names: Sequence[str], column: str) -> None:
    if column not in names:
        raise InvalidInput(
            f"There is no column {column!r}; there are: {', '.join(names)}.",
            column=column,
        )
