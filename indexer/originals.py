"""Original bytes on their way into the blob store and out of it."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import BinaryIO

from indexer.blob_store import BlobStore
from indexer.content import Content, sha256_of
from indexer.domain import Asset, Reason
from indexer.errors import AssetNotFound
from indexer.ledger import reason_of

_AT_ONCE = 8
"""Originals that are copied at once: disks and object stores are slow to answer, not to take."""


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
