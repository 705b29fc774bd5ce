"""What lies in a folder that is not in the Collection: read, and given vectors, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer import images
from indexer.analysis.duplicates.views import SIDE, View, view_of
from indexer.batches import batches
from indexer.domain import AssetId, Kind, Reason, asset_id
from indexer.errors import SemblanceError
from indexer.identity import identity
from indexer.ledger import reason_of
from indexer.pipeline import contained, overlapped
from indexer.ports import Embedder, Pixels
from indexer.readers.found import Candidate, Found, Limits, Passages, ReadOptions
from indexer.readers.location import read_location

_BATCH = 32
_WINDOW = 254


@dataclass(frozen=True, slots=True)
class Incoming:
    """One picture or passage of the folder; `vector`, and `view` or `text`, unless `problem`."""

    id: AssetId | None
    uri: str
    path: str
    page: int | None
    bytes: int
    text: str | None = None
    view: View | None = None
    vector: NDArray[np.float32] | None = None
    problem: Reason | None = None


def incoming(
    path: Path, kind: Kind, embedder: Embedder, limits: Limits, pool: ThreadPoolExecutor
) -> Iterator[list[Incoming]]:
    """All of one Kind below the path, in batches; what cannot be read is among it, with why.

    Files of other kinds are passed over. Raises `NotFound` if there is nothing at the path.
    """
    options = ReadOptions(limits, Passages(*_window(embedder, kind)))
    candidates = _candidates(read_location(path, options), kind)
    for batch in batches(candidates, _BATCH):
        yield [*_embedded(batch, kind, embedder, limits, pool)]


def _window(embedder: Embedder, kind: Kind) -> tuple[int, Callable[[Sequence[str]], list[int]]]:
    if kind is Kind.TEXT:
        return embedder.text_window, embedder.count_tokens
    return _WINDOW, lambda texts: [len(text.split()) for text in texts]


def _candidates(found: Iterable[Found], kind: Kind) -> Iterator[Candidate | Incoming]:
    for document in found:
        if document.skip is not None:
            continue
        try:
            for candidate in document.read():
                if candidate.kind is kind:
                    yield candidate
        except SemblanceError as error:
            yield Incoming(
                None, document.uri, document.path, None, document.size, problem=reason_of(error)
            )


def _embedded(
    batch: Sequence[Candidate | Incoming],
    kind: Kind,
    embedder: Embedder,
    limits: Limits,
    pool: ThreadPoolExecutor,
) -> Iterator[Incoming]:
    yield from (one for one in batch if isinstance(one, Incoming))
    candidates = [one for one in batch if isinstance(one, Candidate)]
    if kind is Kind.TEXT:
        vectors = contained(embedder.embed_texts, [one.text or "" for one in candidates])
        for one, vector in zip(candidates, vectors, strict=True):
            yield _told(one, vector, None)
        return

    def prepared(one: Candidate) -> tuple[View, Pixels]:
        return _prepared(one, embedder, limits)

    ready: list[tuple[Candidate, View, Pixels]] = []
    for one, outcome in overlapped(pool, prepared, candidates, ahead=_BATCH):
        if isinstance(outcome, Exception):
            yield _told(one, outcome, None)
        else:
            ready.append((one, *outcome))
    vectors = contained(embedder.embed_images, [pixels for _, _, pixels in ready])
    for (one, view, _), vector in zip(ready, vectors, strict=True):
        yield _told(one, vector, view)


def _prepared(one: Candidate, embedder: Embedder, limits: Limits) -> tuple[View, Pixels]:
    if one.problem is not None:
        raise Unusable(one.problem)
    assert one.content is not None
    side = max(SIDE // 2, embedder.image_size)
    with one.content.open() as file:
        image = images.decode(file, page=one.page, min_side=side, limits=limits)
    known = one.width is not None and one.height is not None
    view = view_of(image, (one.width or 0, one.height or 0) if known else None)
    return view, embedder.prepare(image)


class Unusable(Exception):
    """A reader said of a candidate that it cannot be used."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.message)
        self.reason = reason


def _told(one: Candidate, outcome: NDArray[np.float32] | Exception, view: View | None) -> Incoming:
    sha256, size = identity(one)
    problem, vector = None, None
    if isinstance(outcome, Unusable):
        problem = outcome.reason
    elif isinstance(outcome, Exception):
        problem = reason_of(outcome)
    else:
        vector = outcome
    return Incoming(
        id=asset_id(one.kind, sha256, one.page),
        uri=one.source.uri,
        path=one.source.path,
        page=one.source.page,
        bytes=size,
        text=one.text,
        view=view,
        vector=vector,
        problem=problem,
    )
