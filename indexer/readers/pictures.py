"""Candidates from one picture: the whole of it, or each page of a TIFF."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from indexer.content import Content
from indexer.domain import Kind, Reason, Source
from indexer.errors import SemblanceError
from indexer.images import ImageHeader, inspect, too_large
from indexer.readers.found import Candidate, Limits, ReadOptions
from indexer.readers.original import Original, content_of

UNKNOWN_TYPE = "application/octet-stream"


def read_picture(original: Original, options: ReadOptions) -> Iterator[Candidate]:
    """The picture's pages; one candidate with a `problem` if its header cannot be used.

    A caption file beside it that cannot be read raises after the picture itself was yielded.
    """
    content = content_of(original, options.limits)
    facts: dict[str, object] = dict(original.metadata)
    problem: SemblanceError | None = None
    if original.beside is not None:
        try:
            facts.update(original.beside())
        except SemblanceError as error:
            problem = error
    yield from picture(content, original.source(), original.blob, facts, options.limits)
    if problem is not None:
        raise problem


def picture(
    content: Content,
    source: Source,
    blob: str | None,
    metadata: Mapping[str, object],
    limits: Limits,
) -> Iterator[Candidate]:
    """Candidates for the pages of an encoded picture; `metadata` goes over its own."""
    try:
        with content.open() as file:
            header = inspect(file, limits)
    except SemblanceError as error:
        problem = reason(error)
        yield Candidate(
            Kind.IMAGE,
            source,
            UNKNOWN_TYPE,
            content,
            blob=blob,
            metadata=metadata,
            problem=problem,
        )
        return
    for page in header.page_sizes:
        yield _page(content, source, blob, {**header.metadata, **metadata}, limits, header, page)


def reason(error: SemblanceError) -> Reason:
    """An error as the ledger keeps it."""
    return Reason(error.code, error.message)


def _page(
    content: Content,
    source: Source,
    blob: str | None,
    metadata: Mapping[str, object],
    limits: Limits,
    header: ImageHeader,
    page: int,
) -> Candidate:
    width, height = header.page_sizes[page]
    large = width * height > limits.image_pixels
    number = page if header.pages > 1 else None
    return Candidate(
        kind=Kind.IMAGE,
        source=Source(source.uri, source.path, page=number, row=source.row),
        media_type=header.media_type,
        content=content,
        page=number,
        width=width,
        height=height,
        blob=blob,
        metadata=metadata,
        problem=reason(too_large((width, height), limits)) if large else None,
    )
