"""Original bytes and thumbnails in an object store: S3 and what speaks like it, GCS, Azure."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, BinaryIO

from indexer.blobs.object_errors import checked_url, object_errors
from indexer.blobs.places import (
    is_in_place,
    is_kept,
    kept_uri,
    open_in_place,
    original_key,
    thumbnail_key,
)
from indexer.blobs.thumbnails import ThumbnailCache
from indexer.content import Content, spool
from indexer.errors import AssetNotFound

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import ObjectStore

_PART = 8 * 1024**2
"""Bytes of one request, up or down: even the slowest line moves them within its time limit, and S3
takes 10,000 parts, so that an original may have 80 GB."""

_PARTS_AT_ONCE = 2
_CONNECT_SECONDS, _REQUEST_SECONDS = 5, 60
_RETRIES, _RETRY_SECONDS = 4, 30
"""Tries against a hiccup; what lasts longer is retried as a whole, by a worker or a person."""


def open_objects(url: str, thumbnails: ThumbnailCache) -> ObjectBlobs:
    """The bucket at a URL, with credentials from the environment; nothing is asked of it yet.

    Raises `InvalidInput` if the URL is none of a bucket.
    """
    from obstore.store import from_url

    with object_errors(checked_url(url)):
        store = from_url(
            url,
            client_options={
                "connect_timeout": f"{_CONNECT_SECONDS}s",
                "timeout": f"{_REQUEST_SECONDS}s",
                "allow_http": os.environ.get("AWS_ALLOW_HTTP", "").lower() in ("true", "1"),
            },
            retry_config={
                "max_retries": _RETRIES,
                "retry_timeout": timedelta(seconds=_RETRY_SECONDS),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=200),
                    "max_backoff": timedelta(seconds=5),
                    "base": 2,
                },
            },
        )
    return ObjectBlobs(store, url, thumbnails)


class ObjectBlobs:
    """A `BlobStore` in a bucket; `file:` URIs are opened where they are."""

    def __init__(self, store: ObjectStore, url: str, thumbnails: ThumbnailCache) -> None:
        self._store = store
        self._url = url
        self._thumbnails = thumbnails

    def put(self, content: Content) -> str:
        """Keep the bytes and return their URI; idempotent, and there only when complete."""
        import obstore

        uri = kept_uri(content.sha256)
        if self.has(uri):
            return uri
        with object_errors(self._url):
            # What stops the blocks ends the upload, and its parts are removed.
            obstore.put(
                self._store,
                original_key(uri),
                content.blocks(),
                use_multipart=content.size > _PART,
                chunk_size=_PART,
                max_concurrency=_PARTS_AT_ONCE,
            )
        return uri

    def has(self, uri: str) -> bool:
        """Whether the bytes are there to be read."""
        import obstore

        if not is_kept(uri):
            return is_in_place(uri)
        try:
            with object_errors(self._url, uri):
                obstore.head(self._store, original_key(uri))
        except AssetNotFound:
            # A missing bucket looks the same here; whatever comes next will say so.
            return False
        return True

    def open(self, uri: str) -> BinaryIO:
        """A seekable file with all the bytes: in memory if they are few, else on the local disk."""
        if not is_kept(uri):
            return open_in_place(uri)
        return spool(self._parts(uri))()

    def delete(self, uris: Sequence[str]) -> None:
        """Forget bytes kept here; `file:` URIs are left alone."""
        self._delete([original_key(uri) for uri in uris if is_kept(uri)])

    def put_derived(self, name: str, data: bytes) -> None:
        """Keep a derived file that can be made again at any time."""
        import obstore

        with object_errors(self._url):
            obstore.put(self._store, thumbnail_key(name), data, use_multipart=False)
        self._thumbnails.put(name, data)

    def get_derived(self, name: str) -> bytes | None:
        """The derived file, or None when it has to be made."""
        import obstore

        held = self._thumbnails.get(name)
        if held is not None:
            return held
        try:
            with object_errors(self._url, name):
                data = bytes(obstore.get(self._store, thumbnail_key(name)).bytes())
        except AssetNotFound:
            return None
        self._thumbnails.put(name, data)
        return data

    def delete_derived(self, names: Sequence[str]) -> None:
        """Forget derived files; those that are not there are passed over."""
        self._delete([thumbnail_key(name) for name in names])
        for name in names:
            self._thumbnails.forget(name)

    def _delete(self, keys: list[str]) -> None:
        import obstore

        try:
            if keys:
                with object_errors(self._url):
                    obstore.delete(self._store, keys)
        except AssetNotFound:
            # S3 passes over what is not there; the others stop, and only one by one go on.
            for key in keys if len(keys) > 1 else ():
                self._delete([key])

    def _parts(self, uri: str) -> Iterator[bytes]:
        import obstore

        start, size = 0, 1
        while start < size:
            with object_errors(self._url, uri):
                wanted: GetOptions = {"range": (start, start + _PART)}
                answer = obstore.get(self._store, original_key(uri), options=wanted)
                part = bytes(answer.bytes())
                size = answer.meta["size"]
            yield part
            start += len(part)
