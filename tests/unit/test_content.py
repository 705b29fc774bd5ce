"""Bytes on their way: small or large, from memory, a file or a stream, they arrive as they were."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from indexer.content import IN_MEMORY, Content, handed_over, in_memory, of_file, spooled
from indexer.errors import AssetNotFound
from indexer.readers.original import open_file

SIZES = [0, 1, IN_MEMORY - 1, IN_MEMORY, IN_MEMORY + 1, 2 * IN_MEMORY + 5]


def from_file(data: bytes, folder: Path) -> Content:
    path = folder / "file"
    path.write_bytes(data)
    return of_file(partial(open_file, path), most=10**9)


def from_stream(data: bytes, _: Path) -> Content:
    return spooled(data[at : at + 999_999] for at in range(0, len(data), 999_999))


def from_memory(data: bytes, _: Path) -> Content:
    return in_memory(data)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("make", [from_memory, from_file, from_stream])
def test_content_is_what_was_given_and_is_read_by_several_at_once(
    make: Callable[[bytes, Path], Content], size: int, tmp_path: Path
) -> None:
    data = os.urandom(size)
    content = make(data, tmp_path)
    assert (content.sha256, content.size) == (hashlib.sha256(data).hexdigest(), size)
    assert b"".join(content.blocks()) == data
    with content.open() as one, content.open() as other:
        half = one.read(size // 2)
        assert other.read() == data, "each has a place of its own"
        assert half + one.read() == data
        one.seek(-min(3, size), io.SEEK_END)
        assert one.read() == data[-3:]


@pytest.mark.parametrize("size", [5, 3 * 1024**2])
def test_an_upload_is_read_from_the_file_that_the_server_holds(size: int) -> None:
    data = os.urandom(size)
    with tempfile.SpooledTemporaryFile(1024**2) as file:
        file.write(data)
        content = handed_over(file)  # type: ignore[arg-type]
        with content.open() as one, content.open() as other:
            assert one.read(4) == other.read(4) == data[:4]
        assert b"".join(content.blocks()) == data


def test_no_more_is_read_than_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(3 * IN_MEMORY))
    for most in (10, IN_MEMORY, 2 * IN_MEMORY):
        assert of_file(partial(open_file, path), most).size == most


def test_a_file_that_changes_after_it_was_hashed_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(IN_MEMORY + 1))
    content = of_file(partial(open_file, path), most=10**9)
    path.write_bytes(b"x" * (IN_MEMORY + 1))
    with pytest.raises(AssetNotFound, match="changed"):
        list(content.blocks())
