"""Original bytes on a local folder, under their SHA-256, and thumbnails beside them."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from indexer.errors import AssetNotFound, DiskFull, InvalidInput
from indexer.readers.uris import path_of

_FULL = {errno.ENOSPC, errno.EDQUOT}


class FolderBlobs:
    """A `BlobStore` in a local folder; `file:` URIs are opened where they are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, sha256: str, data: bytes) -> str:
        """Keep the bytes and return their URI; idempotent, atomic, on disk when it returns."""
        path = self._path("originals", sha256)
        if not path.exists():
            _write(path, data, durable=True)
        return f"blob:{sha256}"

    def open(self, uri: str) -> BinaryIO:
        """A readable binary file. Raises `AssetNotFound` if the bytes are gone."""
        path = self._locate(uri)
        try:
            return path.open("rb")
        except OSError as error:
            raise AssetNotFound(
                f"The original cannot be opened: {uri} ({error.strerror}). If it was moved, "
                "index the folder again.",
                uri=uri,
            ) from error

    def delete(self, uri: str) -> None:
        """Forget bytes kept here; a `file:` URI is left alone."""
        if uri.startswith("blob:"):
            self._locate(uri).unlink(missing_ok=True)

    def put_derived(self, name: str, data: bytes) -> None:
        """Keep a derived file that can be made again at any time."""
        _write(self._path("thumbnails", name), data, durable=False)

    def get_derived(self, name: str) -> bytes | None:
        """The derived file, or None when it has to be made."""
        try:
            return self._path("thumbnails", name).read_bytes()
        except FileNotFoundError:
            return None

    def delete_derived(self, name: str) -> None:
        """Forget a derived file; one that is not there is passed over."""
        self._path("thumbnails", name).unlink(missing_ok=True)

    def _locate(self, uri: str) -> Path:
        scheme, _, rest = uri.partition(":")
        if scheme == "blob":
            return self._path("originals", rest)
        if scheme == "file":
            return path_of(uri)
        raise InvalidInput(f"Not the address of an original: {uri!r}.", uri=uri)

    def _path(self, shelf: str, name: str) -> Path:
        if not name.replace(".", "").replace("-", "").isalnum():
            raise InvalidInput(f"Not a blob name: {name!r}.", name=name)
        # Two levels of folders: a million files in one folder are slow to list and to back up.
        return self._folder / shelf / name[:2] / name[2:4] / name


def _write(path: Path, data: bytes, *, durable: bool) -> None:
    with _disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull(
                f"The disk that holds {path.parent} is full; make room and run the command "
                "again: it continues where it stopped.",
                path=str(path.parent),
            ) from error
        raise
