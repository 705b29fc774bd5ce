"""The layout that all blob stores share, and files that stay where they are.

`originals/ab/cd/<sha256>` and `thumbnails/ab/cd/<name>`: equal in a folder and in a bucket, so that
copying one to the other moves a collection's originals.
"""

from __future__ import annotations

from typing import BinaryIO

from indexer.errors import AssetNotFound, InvalidInput
from indexer.readers.uris import path_of

_OURS = "blob:"


def kept_uri(sha256: str) -> str:
    """The URI of bytes that a blob store keeps."""
    return f"{_OURS}{sha256}"


def is_kept(uri: str) -> bool:
    """True for the URI of bytes that a blob store keeps, false for a file in place."""
    return uri.startswith(_OURS)


def original_key(uri: str) -> str:
    """The place of kept bytes, relative to the store's root; `InvalidInput` if it is no URI."""
    if not is_kept(uri):
        raise InvalidInput(f"Not the address of an original: {uri!r}.", uri=uri)
    return _key("originals", uri.removeprefix(_OURS))


def thumbnail_key(name: str) -> str:
    """The place of a derived file, relative to the store's root."""
    return _key("thumbnails", name)


def open_in_place(uri: str) -> BinaryIO:
    """The file that a `file:` URI names. Raises `AssetNotFound` if it cannot be opened here."""
    if not uri.startswith("file:"):
        raise InvalidInput(f"Not the address of an original: {uri!r}.", uri=uri)
    try:
        return path_of(uri).open("rb")
    except OSError as error:
        raise AssetNotFound(
            f"The original cannot be opened: {uri} ({error.strerror}). If it was moved, index the "
            "folder again; if this machine does not see that folder, index it with --copy.",
            uri=uri,
        ) from error


def is_in_place(uri: str) -> bool:
    """Whether a `file:` URI names a file that can be opened here."""
    try:
        open_in_place(uri).close()
    except AssetNotFound:
        return False
    return True


def _key(shelf: str, name: str) -> str:
    if not name.isascii() or not name.replace(".", "").replace("-", "").isalnum():
        raise InvalidInput(f"Not a blob name: {name!r}.", name=name)
    # Two levels of folders: a million files in one folder are slow to list and to back up.
    return f"{shelf}/{name[:2]}/{name[2:4]}/{name}"
