"""What readers yield: documents that were found, and the candidates for assets inside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from indexer.content import Content
from indexer.domain import Kind, Reason, Source


@dataclass(frozen=True, slots=True)
class Candidate:
    """An asset as a reader found it, before ingest gives it an id.

    An image has `content` (the encoded file) and, where each page is an asset, `page` from 1; a
    passage has `text`. `blob` is the URI of a file that holds exactly this content and stays in
    place; None means that the bytes must be copied. `problem` says why this one cannot be used (its
    header is broken, it is too large): it is recorded as failed, the others go on.
    """

    kind: Kind
    source: Source
    media_type: str
    content: Content | None = None
    text: str | None = None
    page: int | None = None
    width: int | None = None
    height: int | None = None
    blob: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    problem: Reason | None = None
    key: str | None = None
    """What it is known by in place of its content: rows with equal texts may differ in vectors."""
    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """Vectors that it brings along, by Space."""


@dataclass(frozen=True, slots=True)
class Found:
    """One file, archive member or table: known by a stat, read only if `read` is called.

    `read` yields candidates and raises `SemblanceError` if the document as a whole cannot be read
    (what it yielded before stays good). `skip` says why Semblance does not read it at all.
    `container` is the URI of the archive that holds it. Sizes in bytes; 0 if unknown.
    """

    uri: str
    path: str
    size: int
    mtime_ns: int
    read: Callable[[], Iterator[Candidate]]
    container: str | None = None
    skip: Reason | None = None
    anew: bool = False
    """Read it even if it has not changed: what it was read for may have."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table hold what; None lets the reader choose by name."""

    text: str | None = None
    image: str | None = None
    id: str | None = None
    metadata: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds checked before anything is decoded or unpacked (bytes, pixels, members)."""

    file_bytes: int
    image_pixels: int
    archive_bytes: int
    archive_members: int


@dataclass(frozen=True, slots=True)
class Passages:
    """How texts are split: at sentence ends, each passage within `window` tokens."""

    window: int
    count_tokens: Callable[[Sequence[str]], list[int]]


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What a reader needs beside the location.

    `exclude` holds glob patterns matched against the path below the root and against each name.
    `labels` makes the parent folder of a picture its `label` (ImageFolder layout).
    """

    limits: Limits
    passages: Passages
    exclude: Sequence[str] = ()
    labels: bool = False
    columns: Columns = Columns()
    unchanged: Callable[[str, int, int], bool] = lambda _uri, _size, _mtime_ns: False
    """Tells by URI, size and mtime whether a document is in the ledger as it is now: archives and
    tables ask it before they open themselves, so that nothing unchanged is unpacked again."""
