"""A picture that a table's cell holds or points to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from indexer.content import Content, in_memory
from indexer.domain import Kind, Source
from indexer.errors import InvalidInput, SemblanceError
from indexer.media import Family, family_of, image_type
from indexer.readers.found import Candidate, Limits
from indexer.readers.original import Original, content_of, file_errors, open_file
from indexer.readers.pictures import UNKNOWN_TYPE, picture, reason
from indexer.readers.uris import file_uri, readable


def is_picture(value: object) -> bool:
    """True if the cell looks like a picture: its bytes, or a path with a picture's ending."""
    if isinstance(value, bytes):
        return image_type(value) is not None
    return holds_bytes(value) or (isinstance(value, str) and family_of(value) is Family.IMAGE)


def holds_bytes(value: object) -> bool:
    """True for a picture as Hugging Face writes it: its bytes, and the path it once had."""
    return isinstance(value, dict) and isinstance(value.get("bytes"), bytes)


def is_empty(value: object) -> bool:
    """True for a cell without any picture."""
    if isinstance(value, dict):
        return not value.get("bytes") and not value.get("path")
    return value is None or (isinstance(value, str) and not value.strip()) or value == b""


def pictures_in(
    value: object, table: Original, row: int, facts: Mapping[str, object], limits: Limits
) -> Iterator[Candidate]:
    """The candidates for a cell's picture; one with a `problem` if it cannot be had."""
    source = table.source(row=row)
    try:
        content, blob = _content_and_blob(value, table, limits)
    except SemblanceError as error:
        yield _missing(source, facts, error)
        return
    yield from picture(content, source, blob, facts, limits)


def _content_and_blob(value: object, table: Original, limits: Limits) -> tuple[Content, str | None]:
    if isinstance(value, dict):
        if isinstance(value.get("bytes"), bytes):
            return in_memory(value["bytes"]), None
        value = value.get("path")
    if isinstance(value, bytes):
        return in_memory(value), None
    if not isinstance(value, str):
        raise InvalidInput("The cell holds neither a picture nor a path.")
    return _read_beside(value.strip(), table, limits)


def _read_beside(named: str, table: Original, limits: Limits) -> tuple[Content, str]:
    """A picture by its path, which is taken relative to the table's folder."""
    if "://" in named:
        raise InvalidInput(f"{named} is on the web; bring the picture and write its path instead.")
    if table.file is None:
        raise InvalidInput(
            f"{named} cannot be looked up: only a table that lies in a folder may point to files."
        )
    place = Path(table.file).parent / named.replace("\x00", "")
    original = Original(
        uri=file_uri(place),
        path=readable(place),
        name=place.name,
        size=0,
        mtime_ns=0,
        open=partial(open_file, place),
        file=str(place),
    )
    with file_errors(original.path):
        if not place.is_file():  # a pipe would never end
            place.stat()
            raise InvalidInput(f"{original.path} is no regular file.")
        return content_of(original, limits), original.uri


def _missing(source: Source, facts: Mapping[str, object], error: SemblanceError) -> Candidate:
    return Candidate(Kind.IMAGE, source, UNKNOWN_TYPE, metadata=facts, problem=reason(error))
