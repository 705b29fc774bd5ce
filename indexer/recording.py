"""Writes candidates into the ledger in batches: blob first, then the point, then the job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import partial

from indexer import collections
from indexer.blob_store import BlobStore
from indexer.cancelling import CANCELLED
from indexer.collections import Collection
from indexer.content import Content
from indexer.domain import (
    Asset,
    AssetId,
    Document,
    FieldType,
    Kind,
    PointVectors,
    Reason,
    Status,
    asset_id,
)
from indexer.identity import identity
from indexer.ledger import (
    PAGE,
    now,
    put_documents,
)
from indexer.merging import Step, settle
from indexer.metadata import clean, field_types
from indexer.originals import keep_all
from indexer.ports import JobQueue, Priority, VectorStore
from indexer.readers.found import Candidate

MAX_SOURCES = 1000
"""Places that are kept for one content; a passage found in more keeps the first of them."""

_BUFFER_BYTES = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of one candidate: its id, where it was found, whether it was there before, what
    it is.
    """

    id: AssetId
    uri: str
    status: Status
    known: bool
    reason: Reason | None
    kind: Kind


@dataclass(slots=True)
class Recorder:
    """Buffers candidates and documents, and writes them so that a crash loses nothing.

    The order is blobs, asset points, document entries, jobs: whatever is missing after a crash is
    found again by reading the document once more, and content hashes keep that from repeating.
    """

    store: VectorStore
    blobs: BlobStore
    queue: JobQueue
    collection: Collection
    job: AssetId
    on_recorded: Callable[[Recorded], None]
    priority: Priority = Priority.BULK
    _candidates: list[tuple[Asset, Candidate]] = field(default_factory=list)
    _documents: list[Document] = field(default_factory=list)
    _bytes: int = 0

    def add(self, candidate: Candidate) -> AssetId:
        """Take a candidate; it is in the ledger after the next `flush`."""
        asset = self._asset(candidate)
        if candidate.blob is not None:
            # The bytes stay where they are; a batch must not hold hundreds of large pictures.
            candidate = replace(candidate, content=None)
        self._candidates.append((asset, candidate))
        self._bytes += candidate.content.size if candidate.content is not None else 0
        if len(self._candidates) >= PAGE or self._bytes >= _BUFFER_BYTES:
            self.flush()
        return asset.id

    def close_document(self, document: Document) -> None:
        """Note what became of a document, after everything in it."""
        self._documents.append(document)
        if len(self._documents) >= PAGE:
            self.flush()

    def flush(self) -> None:
        """Write everything taken so far, then hand the new assets to the queue."""
        found: dict[AssetId, list[tuple[Asset, Candidate]]] = {}
        for asset, candidate in self._candidates:
            found.setdefault(asset.id, []).append((asset, candidate))
        self._index_fields()
        settled = settle(self.store, self.collection.name, [*found], partial(self._plan, found))
        self._keep_again(id for id, step in settled.items() if step.returned)
        self._note_all(settled)
        self._write_vectors()
        if self._documents:
            put_documents(self.store, self.collection.name, self._documents)
            self._documents = []
        self._queue(settled)
        self._candidates, self._bytes = [], 0

    def _plan(
        self,
        found: Mapping[AssetId, Sequence[tuple[Asset, Candidate]]],
        known: Mapping[AssetId, Asset | None],
    ) -> dict[AssetId, Step]:
        new = {id for id, before in known.items() if before is None}
        kept = keep_all(self.blobs, self._contents(new))
        return {id: self._step(before, found[id], kept) for id, before in known.items()}

    def _step(
        self,
        before: Asset | None,
        found: Sequence[tuple[Asset, Candidate]],
        kept: Mapping[str, str | Reason],
    ) -> Step:
        first, _ = found[0]
        after = before or _with_blob(first, kept.get(first.sha256))
        again = False
        for asset, candidate in found if before is not None else found[1:]:
            after = self._merge(after, asset, candidate)
            # What waited for the vectors it now brings along is handed to the queue once more.
            again |= bool(candidate.vectors) and after.status is Status.PENDING
        return Step(before, after, again)

    def _queue(self, settled: Mapping[AssetId, Step]) -> None:
        for kind in Kind:
            steps = settled.items()
            alike = [id for id, step in steps if step.is_to_queue and step.after.kind is kind]
            if alike:
                self.queue.enqueue(self.collection.name, alike, kind, self.priority)

    def _write_vectors(self) -> None:
        # After the points and before their jobs: a job finds the vectors that were brought along.
        rows = [PointVectors(a.id, c.vectors) for a, c in self._candidates if c.vectors]
        if rows:
            self.store.write_vectors(self.collection.name, rows)

    def _index_fields(self) -> None:
        types: dict[str, FieldType] = {}
        for asset, _ in self._candidates:
            types.update(field_types(asset.metadata))
        self.collection = collections.remember_fields(self.store, self.collection, types)

    def _note_all(self, settled: Mapping[AssetId, Step]) -> None:
        noted: set[AssetId] = set()
        for asset, _ in self._candidates:
            step = settled[asset.id]
            known = step.before is not None or asset.id in noted
            noted.add(asset.id)
            is_now = step.before or step.after
            uri = asset.sources[0].uri
            self.on_recorded(
                Recorded(asset.id, uri, is_now.status, known, is_now.reason, asset.kind)
            )

    def _keep_again(self, returned: Iterable[AssetId]) -> None:
        # Whoever deletes an asset forgets its bytes last, perhaps after they were brought back.
        keep_all(self.blobs, self._contents(set(returned)))

    def _contents(self, ids: Set[AssetId]) -> Iterator[Content]:
        for asset, candidate in self._candidates:
            content = candidate.content
            if asset.id in ids and content is not None and content.size:
                yield content

    def _merge(self, before: Asset, found: Asset, candidate: Candidate) -> Asset:
        sources = before.sources
        if found.sources[0] not in sources and len(sources) < MAX_SOURCES:
            sources = (*sources, found.sources[0])
        merged = replace(
            before,
            sources=sources,
            blob=self._merged_blob(before, candidate),
            metadata={**before.metadata, **found.metadata},
        )
        if before.reason is not None and before.reason.code == CANCELLED:
            # It was set aside with another job; now this one asks for it.
            return replace(merged, status=Status.PENDING, reason=None, job=self.job)
        found_bytes = before.status is Status.FAILED and merged.blob != before.blob
        if found_bytes or (candidate.vectors and before.status is not Status.INDEXED):
            # It failed for want of its bytes or was set aside for want of a model: here they are.
            return replace(merged, status=Status.PENDING, reason=None)
        return merged

    def _merged_blob(self, before: Asset, candidate: Candidate) -> str | None:
        if before.kind is Kind.TEXT or before.blob is None or before.blob == candidate.blob:
            return before.blob
        if candidate.content is not None:
            # Bytes that were brought are kept, whatever becomes of the file they are also in.
            kept = keep_all(self.blobs, [candidate.content])[candidate.content.sha256]
            return kept if isinstance(kept, str) else before.blob
        # Where the first place is gone (a renamed file), the bytes are now read from here.
        return before.blob if self.blobs.has(before.blob) else candidate.blob

    def _asset(self, candidate: Candidate) -> Asset:
        sha256, size = identity(candidate)
        return Asset(
            id=asset_id(candidate.kind, sha256, candidate.page),
            kind=candidate.kind,
            status=Status.PENDING if candidate.problem is None else Status.FAILED,
            sha256=sha256,
            media_type=candidate.media_type,
            bytes=size,
            sources=(candidate.source,),
            blob=candidate.blob,
            text=candidate.text,
            width=candidate.width,
            height=candidate.height,
            page=candidate.page,
            metadata=clean(candidate.metadata),
            added_at=now(),
            reason=candidate.problem,
            job=self.job,
        )


def _with_blob(asset: Asset, kept: str | Reason | None) -> Asset:
    """The asset with the copy of its bytes, or failed with why there is none."""
    if asset.blob is not None or kept is None:
        return asset
    if isinstance(kept, Reason):
        return replace(asset, status=Status.FAILED, reason=kept)
    return replace(asset, blob=kept)
