"""Names of places: from a path to a URI and back, whatever bytes a file name is made of."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from indexer.errors import InvalidInput

AnyPath = Path | str | bytes

_FILE = "file://"
_UPLOAD = "upload:///"
MEMBER = "!/"
"""Stands between an archive's URI and a member's name; `quote` never writes an exclamation mark."""


def file_uri(path: AnyPath) -> str:
    """The `file:` URI of a path, made absolute; links are not followed."""
    return _FILE + quote(os.path.abspath(os.fsencode(path)))


def path_of(uri: str) -> Path:
    """The path that a `file:` URI names; raises `InvalidInput` for any other URI."""
    if not uri.startswith(_FILE + "/") or MEMBER in uri:
        raise InvalidInput(f"{uri} is not the address of a file on this machine.", uri=uri)
    return Path(os.fsdecode(unquote_to_bytes(uri[len(_FILE) :])))


def member_uri(archive: str, name: str) -> str:
    """The URI of an archive's member, whose name may hold surrogates for undecodable bytes."""
    return archive + MEMBER + quote(os.fsencode(_encodable(name)))


def upload_uri(name: str) -> str:
    """The URI of bytes that came without a place, by the name they were given."""
    return _UPLOAD + quote(os.fsencode(_encodable(name)).lstrip(b"/"))


def readable(path: AnyPath) -> str:
    """The path for people: replacement characters stand for bytes that are no UTF-8."""
    return os.fsencode(_encodable(path) if isinstance(path, str) else path).decode(
        "utf-8", "replace"
    )


def _encodable(name: str) -> str:
    # only the low surrogates that stand for single bytes can become bytes again
    return (
        "".join(
            "\ufffd" if "\ud800" <= c <= "\udfff" and not "\udc80" <= c <= "\udcff" else c
            for c in name
        )
        if not name.isascii()
        else name
    )
