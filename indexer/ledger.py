"""How assets, documents and jobs are written as points, and read back.

The vector store is the only database: these payloads are the ledger. Keys with no value are left
out, so that a filter on existence means what it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import cast

from indexer.domain import (
    Asset,
    AssetId,
    Document,
    Entry,
    Kind,
    Payload,
    Point,
    Reason,
    Source,
    Status,
    StoredPoint,
)
from indexer.errors import SemblanceError
from indexer.filters import AnyOf, Equals, Exists, Filter, all_of
from indexer.ports import VectorStore

PAGE = 256
"""Points a call: the engine holds the interpreter for the whole of each call."""


def now() -> str:
    """The present moment, UTC, ISO 8601 with milliseconds."""
    return written(datetime.now(UTC))


def written(moment: datetime) -> str:
    """An aware moment as the ledger writes it: UTC, ISO 8601 with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def reason_of(error: Exception) -> Reason:
    """What the ledger keeps of an error: its code and its sentence."""
    if isinstance(error, SemblanceError):
        return Reason(error.code, error.message)
    return Reason("internal", f"{type(error).__name__}: {error}")


def _compact(values: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in values.items() if value is not None}


def source_payload(source: Source) -> dict[str, object]:
    return _compact(asdict(source))


def reason_payload(reason: Reason | None) -> dict[str, str] | None:
    return None if reason is None else {"code": reason.code, "message": reason.message}


def sources_payload(sources: Iterable[Source]) -> dict[str, object]:
    """The two keys that say where an asset is: the sources, and their documents for filters."""
    kept = list(sources)
    return {
        "sources": [source_payload(source) for source in kept],
        "documents": sorted({source.document for source in kept}),
    }


def asset_point(asset: Asset) -> Point:
    """The asset as a point without vectors."""
    payload = _compact(
        {
            "entry": Entry.ASSET.value,
            "kind": asset.kind.value,
            "status": asset.status.value,
            "sha256": asset.sha256,
            "media_type": asset.media_type,
            "bytes": asset.bytes,
            "blob": asset.blob,
            "text": asset.text,
            "width": asset.width,
            "height": asset.height,
            "page": asset.page,
            "metadata": dict(asset.metadata) or None,
            "added_at": asset.added_at,
            "indexed_at": asset.indexed_at,
            "reason": reason_payload(asset.reason),
            "job": asset.job,
        }
    )
    return Point(asset.id, payload | sources_payload(asset.sources))


def asset_from(id: AssetId, payload: Payload) -> Asset:
    """The asset that a point stands for."""
    get = payload.get
    return Asset(
        id=id,
        kind=Kind(str(get("kind"))),
        status=Status(str(get("status"))),
        sha256=str(get("sha256", "")),
        media_type=str(get("media_type", "")),
        bytes=_int(get("bytes")) or 0,
        sources=tuple(_sources(payload)),
        blob=_text(get("blob")),
        text=_text(get("text")),
        width=_int(get("width")),
        height=_int(get("height")),
        page=_int(get("page")),
        metadata=cast("Mapping[str, object]", get("metadata") or {}),
        added_at=str(get("added_at", "")),
        indexed_at=_text(get("indexed_at")),
        reason=reason_from(get("reason")),
        job=_text(get("job")),
        gaps=_gaps(get("gaps")),
    )


def gaps_payload(gaps: Mapping[str, Reason]) -> Payload:
    """The key that says in which Spaces an indexed asset has no vector, and why."""
    return {"gaps": {space: reason_payload(why) for space, why in gaps.items()} or None}


def has_gap(space: str | None = None) -> Filter:
    """A filter for assets with a gap in this Space, or in any."""
    return Exists("gaps" if space is None else gap_code(space))


def gap_code(space: str) -> str:
    """The payload field that holds the reason's code."""
    return f'gaps."{space}".code'


def document_point(document: Document) -> Point:
    """The document's ledger entry as a point; it never has vectors."""
    payload = _compact(asdict(document))
    payload["entry"] = Entry.DOCUMENT.value
    payload["status"] = document.status.value
    return Point(document.id, payload)


def document_from(payload: Payload) -> Document:
    get = payload.get
    return Document(
        uri=str(get("uri", "")),
        path=str(get("path", "")),
        status=Status(str(get("status"))),
        size=_int(get("size")) or 0,
        mtime_ns=_int(get("mtime_ns")) or 0,
        sha256=_text(get("sha256")),
        container=_text(get("container")),
        reason=reason_from(get("reason")),
        job=_text(get("job")),
    )


def put_documents(store: VectorStore, collection: str, documents: Sequence[Document]) -> None:
    """Write document entries, over those that are there."""
    store.insert(collection, [document_point(document) for document in documents])
    # None removes a key: the reason of an earlier failure must not outlive it.
    store.set_payload(
        collection,
        {
            document.id: {"reason": None, "sha256": None, **document_point(document).payload}
            for document in documents
        },
    )


def scroll_all(
    store: VectorStore,
    collection: str,
    filter: Filter | None,
    *,
    fields: tuple[str, ...] | None = None,
    spaces: tuple[str, ...] = (),
    after: AssetId | None = None,
) -> Iterator[StoredPoint]:
    """Every matching point in the order of ids, page by page; memory stays flat."""
    while True:
        page, after = store.scroll(
            collection, filter, limit=PAGE, after=after, spaces=spaces, fields=fields
        )
        yield from page
        if after is None:
            return


def assets_where(*conditions: Filter | None) -> Filter:
    """A filter for assets that fulfil all the conditions given."""
    filter = all_of(Equals("entry", Entry.ASSET.value), *conditions)
    assert filter is not None
    return filter


def status_is(*statuses: Status) -> Filter:
    return AnyOf("status", tuple(status.value for status in statuses))


def _sources(payload: Payload) -> Iterator[Source]:
    for raw in cast("list[Mapping[str, object]]", payload.get("sources") or []):
        yield Source(
            uri=str(raw.get("uri", "")),
            path=str(raw.get("path", "")),
            page=_int(raw.get("page")),
            row=_int(raw.get("row")),
            start=_int(raw.get("start")),
            end=_int(raw.get("end")),
        )


def reason_from(raw: object) -> Reason | None:
    """The reason that a payload keeps, if it keeps one."""
    if not isinstance(raw, Mapping):
        return None
    return Reason(str(raw.get("code", "")), str(raw.get("message", "")))


def _gaps(raw: object) -> dict[str, Reason]:
    if not isinstance(raw, Mapping):
        return {}
    reasons = {str(space): reason_from(why) for space, why in raw.items()}
    return {space: reason for space, reason in reasons.items() if reason is not None}


def _text(raw: object) -> str | None:
    return raw if isinstance(raw, str) else None


def _int(raw: object) -> int | None:
    return int(raw) if isinstance(raw, int | float) else None
