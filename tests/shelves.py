"""A shelf of files that are to leave, whatever they are called."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from indexer.analysis.duplicates.plans import Leaving
from indexer.domain import Kind, asset_id
from indexer.readers.uris import file_uri, readable
from tests.reading import write

NAMES = [
    b"plain.jpg",
    b"two words.jpg",
    b'it\'s "quoted" $HOME `id`.jpg',
    b"-rf.jpg",
    b"line\nbreak.jpg",
    b"ends in newline\n",
    b"latin1-\xe4\xf6.jpg",
]


def leaving(folder: Path, name: bytes, content: bytes, kept: Path) -> Leaving:
    path = os.path.join(os.fsencode(folder), name)
    with open(path, "wb") as file:
        file.write(content)
    digest = hashlib.sha256(content).hexdigest()
    return Leaving(
        asset_id(Kind.IMAGE, digest),
        file_uri(path),
        readable(path),
        digest,
        len(content),
        asset_id(Kind.IMAGE, "kept"),
        file_uri(kept),
        str(kept),
        hashlib.sha256(kept.read_bytes()).hexdigest(),
        "decided",
    )


def new_shelf(folder: Path) -> Path:
    """A folder with a file to be kept."""
    write(folder / "shelf" / "kept.tif", "the original")
    return folder / "shelf"


def copies(shelf: Path) -> list[Leaving]:
    """One copy under each of the awkward names."""
    return [leaving(shelf, name, b"copy " + name, shelf / "kept.tif") for name in NAMES]


def names(folder: Path) -> list[bytes]:
    return sorted(name for name in os.listdir(os.fsencode(folder)) if name != b"kept.tif")
