"""Assets from the rows of a table: passages, pictures, or both; other columns are metadata."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice

from indexer.charsets import without_surrogates
from indexer.domain import Kind, Reason
from indexer.errors import InvalidInput
from indexer.readers.cells import holds_bytes, is_empty, is_picture, pictures_in
from indexer.readers.found import Candidate, Columns, ReadOptions
from indexer.readers.original import Original
from indexer.readers.passages import text_candidates
from indexer.readers.rows import Row, read_rows
from indexer.readers.values import json_value, metadata
from indexer.texts import split_many

Fits = Callable[[object], bool]

_TEXT_NAMES = ("text", "caption", "body", "content", "abstract", "description", "title")
_IMAGE_NAMES = ("image", "image_path", "path", "file", "filename", "file_name")
_ID_NAMES = ("id",)
_LOOKED_AT = 50
"""Rows that decide which columns there are and which hold pictures."""

_ROWS_AT_ONCE = 64
"""Rows whose tokens are counted in one go."""


def read_table(original: Original, options: ReadOptions) -> Iterator[Candidate]:
    """The assets of every row; a bad row, or one whose picture is missing, fails alone.

    Raises `InvalidInput` if a column that was asked for is not there, or none can be chosen.
    """
    rows = read_rows(original, options.limits)
    first = list(islice(rows, _LOOKED_AT))
    columns = _chosen(first, options.columns, original.path)
    everything = chain(first, rows)
    while several := list(islice(everything, _ROWS_AT_ONCE)):
        yield from _candidates(several, columns, original, options)


def _candidates(
    rows: Sequence[Row], columns: Columns, original: Original, options: ReadOptions
) -> Iterator[Candidate]:
    texts = [_texts(row, columns) for row in rows]
    spans = iter(split_many([text for several in texts for text in several], options.passages))
    for row, several in zip(rows, texts, strict=True):
        split = list(islice(spans, len(several)))
        if row.problem is not None:
            yield _failed(original, row, row.problem)
            continue
        facts = _metadata(row, columns)
        cell = None if columns.image is None else row.values.get(columns.image)
        if not is_empty(cell):
            captioned = _captioned(facts, several)
            yield from pictures_in(cell, original, row.number, captioned, options.limits)
        for passages in split:
            yield from text_candidates(original, passages, "text/plain", facts, row=row.number)
        if is_empty(cell) and not any(split):
            empty = Reason("empty", f"Row {row.number} has neither a text nor a picture.")
            yield _failed(original, row, empty)


def _chosen(rows: Sequence[Row], asked: Columns, path: str) -> Columns:
    """The columns to use: those asked for, else those whose name and content fit."""
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    for name in (asked.text, asked.image, asked.id, *(asked.metadata or ())):
        if name is not None and name not in names and names:
            listed = ", ".join(map(str, names))
            raise InvalidInput(f"{path} has no column {name!r}; it has {listed}.", path=path)
    image = asked.image or _by_name(names, _IMAGE_NAMES, rows, is_picture)
    image = image or next((name for name in names if _any(rows, name, holds_bytes)), None)
    text_names = [name for name in names if name != image]
    text = asked.text or _by_name(text_names, _TEXT_NAMES, rows, _is_text)
    if text is None and image is None and any(row.problem is None for row in rows):
        listed = ", ".join(map(str, names))
        raise InvalidInput(
            f"{path} has no column that is known to hold texts or pictures; name one of {listed}.",
            path=path,
        )
    return Columns(
        text, image, asked.id or _by_name(names, _ID_NAMES, rows, _is_given), asked.metadata
    )


def _by_name(
    names: Sequence[str], known: Sequence[str], rows: Sequence[Row], fits: Fits
) -> str | None:
    """The first column, in order of the known names, that has a fitting value."""
    lowered = {str(name).strip().lower(): name for name in reversed(names)}
    ordered = (lowered[name] for name in known if name in lowered)
    return next((name for name in ordered if _any(rows, name, fits)), None)


def _any(rows: Sequence[Row], name: str, fits: Fits) -> bool:
    return any(fits(row.values.get(name)) for row in rows)


def _is_given(value: object) -> bool:
    return value not in (None, "")


def _is_text(value: object) -> bool:
    several = value if isinstance(value, list) else [value]
    return any(isinstance(text, str) and text.strip() for text in several)


def _texts(row: Row, columns: Columns) -> list[str]:
    value = None if columns.text is None else row.values.get(columns.text)
    several = value if isinstance(value, list) else [value]
    texts = (str(text) for text in several if isinstance(text, str | int | float))
    return [without_surrogates(text) for text in texts if text.strip()]


def _metadata(row: Row, columns: Columns) -> dict[str, object]:
    used = (columns.text, columns.image, columns.id)
    wanted = row.values if columns.metadata is None else columns.metadata
    facts = metadata({name: row.values.get(name) for name in wanted if name not in used})
    key = None if columns.id is None else json_value(row.values.get(columns.id))
    return facts if key is None else {"id": key, **facts}


def _captioned(facts: Mapping[str, object], texts: Sequence[str]) -> dict[str, object]:
    if not texts:
        return dict(facts)
    caption = {"caption": texts[0]} if len(texts) == 1 else {"captions": list(texts)}
    return {**facts, **caption}


def _failed(original: Original, row: Row, problem: Reason) -> Candidate:
    return Candidate(Kind.TEXT, original.source(row=row.number), "text/plain", problem=problem)
