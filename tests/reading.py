"""What tests of readers share: generous limits, word counting as tokens, tiny pictures."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image

from indexer.errors import SemblanceError
from indexer.readers.found import Candidate, Found, Limits, Passages, ReadOptions
from indexer.readers.location import read_location

LIMITS = Limits(
    file_bytes=10_000_000, image_pixels=1_000_000, archive_bytes=50_000_000, archive_members=100
)


def count_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def options(**changes: object) -> ReadOptions:
    return ReadOptions(**{"limits": LIMITS, "passages": Passages(20, count_words), **changes})  # type: ignore[arg-type]


def encoded(colour: str = "red", size: tuple[int, int] = (8, 6), kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind)
    return buffer.getvalue()


def write(path: Path, data: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def candidates(found: Iterable[Found]) -> list[Candidate]:
    return [candidate for one in found if one.skip is None for candidate in one.read()]


def at(path: Path, **changes: object) -> list[Candidate]:
    return candidates(read_location(path, options(**changes)))


def bytes_of(candidate: Candidate) -> bytes:
    """What the picture's file holds."""
    assert candidate.content is not None
    return b"".join(candidate.content.blocks())


def failure(found: Found) -> SemblanceError:
    """The error that reading the document ends with."""
    try:
        list(found.read())
    except SemblanceError as error:
        return error
    raise AssertionError(f"{found.path} was read without an error")
