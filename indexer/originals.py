"""Original bytes on their way into the blob store and out of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import BinaryIO

from indexer.batches import batches
from indexer.blob_store import BlobStore
from indexer.blobs.places import is_kept
from indexer.content import Content, sha256_of
from indexer.domain import Asset, Reason
from indexer.errors import AssetNotFound
from indexer.ledger import PAGE, assets_where, reason_of, scroll_all
from indexer.ports import VectorStore

_AT_ONCE = 8
"""Originals that are copied at once: disks and object stores are slow to answer, not to take."""

_SAMPLE = 10_000
"""Assets whose originals are looked for after a restore. They come in the order of their ids, which
are hashes: a fair sample of a larger Collection."""


def keep_all(blobs: BlobStore, contents: Iterable[Content]) -> dict[str, str | Reason]:
    """Keep each content once; by SHA-256 its URI, or why it could not be read to its end.

    Raises `DiskFull` or `BlobsUnavailable`; what was kept by then is found when it is tried again.
    """
    distinct = {content.sha256: content for content in contents}
    if not distinct:
        return {}
    with ThreadPoolExecutor(min(_AT_ONCE, len(distinct)), thread_name_prefix="keep") as threads:
        outcomes = threads.map(partial(_keep, blobs), distinct.values())
        return dict(zip(distinct, outcomes, strict=True))


def gone(blobs: BlobStore, uris: Iterable[str]) -> set[str]:
    """Those of the kept originals whose bytes are not there; `file:` URIs are passed over.

    Raises `BlobsUnavailable` if their place does not answer.
    """
    kept = sorted({uri for uri in uris if is_kept(uri)})
    if not kept:
        return set()
    with ThreadPoolExecutor(min(_AT_ONCE, len(kept)), thread_name_prefix="look") as threads:
        return {
            uri for uri, there in zip(kept, threads.map(blobs.has, kept), strict=True) if not there
        }


@dataclass(frozen=True, slots=True)
class Kept:
    """How many assets with a kept original were looked at, and of how many it is gone."""

    looked_at: int
    missing: int


def kept_originals(store: VectorStore, blobs: BlobStore, collection: str) -> Kept:
    """Look for the originals of up to `_SAMPLE` assets. Raises `BlobsUnavailable`."""
    looked_at = missing = 0
    for batch in batches(islice(_kept(store, collection), _SAMPLE), PAGE):
        lost = gone(blobs, batch)
        looked_at += len(batch)
        missing += sum(uri in lost for uri in batch)
    return Kept(looked_at, missing)


def _kept(store: VectorStore, collection: str) -> Iterator[str]:
    for point in scroll_all(store, collection, assets_where(), fields=("blob",)):
        uri = point.payload.get("blob")
        if isinstance(uri, str) and is_kept(uri):
            yield uri


def open_original(blobs: BlobStore, asset: Asset) -> BinaryIO:
    """The asset's bytes as a seekable file. Raises `AssetNotFound` if they are gone or changed."""
    path = asset.sources[0].path if asset.sources else asset.blob
    if asset.blob is None:
        raise AssetNotFound(f"{path} holds no bytes; bring it again.", asset=asset.id)
    file = blobs.open(asset.blob)
    try:
        if sha256_of(file) != asset.sha256:
            # The file was replaced since it was found; its new content is another asset.
            raise AssetNotFound(
                f"{path} was changed after it was found; index its folder again to take up what "
                "it holds now.",
                asset=asset.id,
            )
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _keep(blobs: BlobStore, content: Content) -> str | Reason:
    try:
        return blobs.put(content)
    except AssetNotFound as error:
        # a file that changes under our hands fails alone
        return reason_of(error)
