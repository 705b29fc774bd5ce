"""The border to where bytes live: originals, and small pictures made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, Protocol

from indexer.content import Content


class BlobStore(Protocol):
    """Keeps original bytes under their SHA-256, and small derived pictures (thumbnails).

    A blob is named by a URI: `blob:<sha256>` for bytes kept here, `file:///…` for a file that
    stays where it is. Raises `AssetNotFound` if the bytes are gone, `DiskFull` if they do not fit,
    `BlobsUnavailable` if the place where they are kept does not answer.
    """

    def put(self, content: Content) -> str:
        """Keep the bytes and return their URI; idempotent, block by block, all of it or nothing.

        Raises `AssetNotFound` if what is read is no longer what was hashed.
        """

    def has(self, uri: str) -> bool:
        """Whether the bytes are there to be read."""

    def open(self, uri: str) -> BinaryIO:
        """A seekable binary file over the blob."""

    def delete(self, uris: Sequence[str]) -> None:
        """Forget bytes kept here; `file:` URIs and those that are gone are passed over."""

    def put_derived(self, name: str, data: bytes) -> None:
        """Keep a derived file (a thumbnail) that can be made again at any time."""

    def get_derived(self, name: str) -> bytes | None:
        """The derived file, or None when it has to be made."""

    def delete_derived(self, names: Sequence[str]) -> None:
        """Forget derived files; those that are not there are passed over."""
