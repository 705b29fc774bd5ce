"""Original bytes in a folder, under their SHA-256, and thumbnails beside them."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from indexer.blobs.places import (
    is_in_place,
    is_kept,
    kept_uri,
    open_in_place,
    original_key,
    thumbnail_key,
)
from indexer.content import Content, room_in
from indexer.errors import AssetNotFound, BlobsUnavailable

_LEFT_OVER_SECONDS = 24 * 3600


class FolderBlobs:
    """A `BlobStore` in a folder, local or on a share; `file:` URIs are opened where they are."""

    def __init__(self, folder: Path, *, shared: bool = False) -> None:
        """`shared`: others made the folder, and it must be there (a mount that is missing is an
        empty folder, or none, and would be filled in vain)."""
        self._folder = folder
        self._shared = shared
        _sweep(folder / "incoming")

    def put(self, content: Content) -> str:
        """Keep the bytes and return their URI; idempotent, atomic, on disk when it returns."""
        uri = kept_uri(content.sha256)
        if not self.has(uri):
            self._write(self._folder / original_key(uri), content.blocks(), durable=True)
        return uri

    def has(self, uri: str) -> bool:
        """Whether the bytes are there to be read."""
        if not is_kept(uri):
            return is_in_place(uri)
        with self._errors():
            return (self._folder / original_key(uri)).is_file()

    def open(self, uri: str) -> BinaryIO:
        """A seekable binary file. Raises `AssetNotFound` if the bytes are gone."""
        if not is_kept(uri):
            return open_in_place(uri)
        path = self._folder / original_key(uri)
        with self._errors():
            try:
                return path.open("rb")
            except FileNotFoundError as error:
                # An empty folder is what is left of a mount that is missing.
                self._check_mounted(self._folder / "originals")
                raise AssetNotFound(
                    f"The original is gone from {self._folder}: {uri}. Add its file again.", uri=uri
                ) from error

    def delete(self, uris: Sequence[str]) -> None:
        """Forget bytes kept here; `file:` URIs are left alone."""
        self._unlink(original_key(uri) for uri in uris if is_kept(uri))

    def put_derived(self, name: str, data: bytes) -> None:
        """Keep a derived file that can be made again at any time."""
        self._write(self._folder / thumbnail_key(name), [data], durable=False)

    def get_derived(self, name: str) -> bytes | None:
        """The derived file, or None when it has to be made."""
        with self._errors():
            try:
                return (self._folder / thumbnail_key(name)).read_bytes()
            except FileNotFoundError:
                return None

    def delete_derived(self, names: Sequence[str]) -> None:
        """Forget derived files; those that are not there are passed over."""
        self._unlink(thumbnail_key(name) for name in names)

    def _unlink(self, keys: Iterable[str]) -> None:
        with self._errors():
            for key in keys:
                (self._folder / key).unlink(missing_ok=True)

    def _write(self, path: Path, blocks: Iterable[bytes], *, durable: bool) -> None:
        self._check_mounted(self._folder)
        with self._errors():
            incoming = self._folder / "incoming"
            incoming.mkdir(parents=True, exist_ok=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=incoming)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.writelines(blocks)
                    if durable:
                        file.flush()
                        os.fsync(file.fileno())
                os.replace(temporary, path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise

    def _check_mounted(self, folder: Path) -> None:
        if self._shared and not folder.is_dir():
            raise BlobsUnavailable(
                f"{folder} is not there: mount it, make it, or let SEMBLANCE_BLOBS name another "
                "place.",
                folder=str(self._folder),
            )

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            with room_in(self._folder, "SEMBLANCE_BLOBS names another place for originals"):
                yield
        except OSError as error:
            raise BlobsUnavailable(
                f"{self._folder} cannot be used ({error.strerror or error}); check its mount and "
                "its permissions, or let SEMBLANCE_BLOBS name another place.",
                folder=str(self._folder),
            ) from error


def _sweep(incoming: Path) -> None:
    """Remove what writers that were killed left behind; what others write now is younger."""
    with contextlib.suppress(OSError):
        for path in incoming.iterdir():
            if path.stat().st_mtime < time.time() - _LEFT_OVER_SECONDS:
                path.unlink(missing_ok=True)
