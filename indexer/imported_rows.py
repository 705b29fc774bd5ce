"""Rows of imported vectors as text assets: a text, metadata, and the vector they bring along."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from indexer.domain import AssetId, Kind, Reason, Source, asset_id
from indexer.errors import InvalidInput
from indexer.jobs import Request
from indexer.readers.found import Candidate
from indexer.readers.values import metadata
from indexer.readers.vector_rows import VectorFile, VectorRow

_TEXT_NAMES = ("text", "title", "caption", "description", "name")
_ID_NAMES = ("id", "name", "path", "file", "filename")


@dataclass(frozen=True, slots=True)
class _Columns:
    text: str | None
    id: str | None


def check_columns(file: VectorFile, request: Request) -> None:
    """Raise `InvalidInput` if a column that was asked for is not there, or none can be chosen."""
    for name in (request.text, request.id, *(request.metadata or ())):
        if name is not None and name not in file.columns:
            listed = ", ".join(file.columns) or "none beside the vectors"
            raise InvalidInput(
                f"{file.path} has no column {name!r}; it has: {listed}.", path=str(file.path)
            )
    columns = _chosen(file, request)
    if columns.text is None and columns.id is None:
        listed = ", ".join(file.columns) or "none beside the vectors"
        raise InvalidInput(
            f"{file.path} has neither texts nor ids for its rows; name the column. It has: "
            f"{listed}.",
            path=str(file.path),
        )


def candidates(file: VectorFile, request: Request, space: str, uri: str) -> Iterator[Candidate]:
    """A text asset for each row; one with a `problem` for a row that cannot be used."""
    columns = _chosen(file, request)
    seen: set[AssetId] = set()
    for row in file.rows():
        source = Source(uri, str(file.path), row=row.number)
        why = row.problem or _problem(row, columns, seen)
        if why is not None:
            yield Candidate(Kind.TEXT, source, "text/plain", problem=why)
            continue
        yield Candidate(
            Kind.TEXT,
            source,
            "text/plain",
            text=_text(row, columns),
            metadata=_facts(row, columns, request.metadata),
            key=_key(row, columns),
            vectors={space: row.vector} if row.vector is not None else {},
        )


def ids_of(
    rows: Iterable[VectorRow], file: VectorFile, request: Request
) -> Iterator[tuple[AssetId, VectorRow]]:
    """The asset that each usable row stands for."""
    columns = _chosen(file, request)
    for row in rows:
        if row.vector is not None and _text(row, columns):
            yield _id(row, columns), row


def _chosen(file: VectorFile, request: Request) -> _Columns:
    def first(names: Sequence[str]) -> str | None:
        return next((name for name in names if name in file.columns), None)

    return _Columns(request.text or first(_TEXT_NAMES), request.id or first(_ID_NAMES))


def _problem(row: VectorRow, columns: _Columns, seen: set[AssetId]) -> Reason | None:
    if not _text(row, columns):
        return Reason("empty", f"Row {row.number} has neither a text nor an id.")
    id = _id(row, columns)
    if id in seen:
        return Reason(
            "duplicate",
            f"Row {row.number} has the id and the text of an earlier row.",
        )
    seen.add(id)
    return None


def _text(row: VectorRow, columns: _Columns) -> str:
    return _cell(row, columns.text) or _cell(row, columns.id)


def _key(row: VectorRow, columns: _Columns) -> str:
    """What it is known by: two spectra of one name are two assets if their ids differ."""
    id, text = _cell(row, columns.id), _text(row, columns)
    return text if id in ("", text) else f"{id}\0{text}"


def _id(row: VectorRow, columns: _Columns) -> AssetId:
    return asset_id(Kind.TEXT, hashlib.sha256(_key(row, columns).encode()).hexdigest())


def _cell(row: VectorRow, column: str | None) -> str:
    value = None if column is None else row.values.get(column)
    return "" if value is None else str(value).encode("utf-8", "replace").decode().strip()


def _facts(row: VectorRow, columns: _Columns, wanted: Sequence[str] | None) -> dict[str, object]:
    return metadata(
        {
            name: value
            for name, value in row.values.items()
            if name != columns.text and (wanted is None or name in wanted or name == columns.id)
        }
    )
