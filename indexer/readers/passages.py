"""Candidates from one text file: its passages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from indexer.domain import Kind
from indexer.errors import UndecodableAsset
from indexer.extraction import extract
from indexer.media import MEDIA_TYPES, extension
from indexer.readers.found import Candidate, ReadOptions
from indexer.readers.original import Original, read_bytes
from indexer.texts import Span, split


def read_text(original: Original, options: ReadOptions) -> Iterator[Candidate]:
    """The passages of a text, Markdown or HTML file; `UndecodableAsset` if there are none."""
    media_type = MEDIA_TYPES[extension(original.name)]
    extracted = extract(read_bytes(original, options.limits), media_type)
    metadata = {} if extracted.title is None else {"title": extracted.title}
    spans = list(split(extracted.text, options.passages))
    if not spans:
        raise UndecodableAsset(f"{original.path} holds no text.", path=original.path)
    yield from text_candidates(original, spans, media_type, metadata)


def text_candidates(
    original: Original,
    spans: Iterable[Span],
    media_type: str,
    metadata: Mapping[str, object],
    *,
    page: int | None = None,
    row: int | None = None,
) -> Iterator[Candidate]:
    """A candidate for each passage, with its place in the document."""
    for span in spans:
        yield Candidate(
            kind=Kind.TEXT,
            source=original.source(page=page, row=row, start=span.start, end=span.end),
            media_type=media_type,
            text=span.text,
            metadata=metadata,
        )
