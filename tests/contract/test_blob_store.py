"""What every BlobStore promises, on a folder, in memory, and on S3 over real HTTP."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import replace
from pathlib import Path

import pytest

from indexer.blob_store import BlobStore
from indexer.content import Content, handed_over, in_memory
from indexer.errors import AssetNotFound, InvalidInput
from indexer.readers.uris import file_uri

LARGE = 20 * 1024**2 + 7
"""Three parts of a multipart upload, the last one shorter."""


@pytest.fixture(scope="module")
def large() -> bytes:
    return os.urandom(LARGE)


def read(blobs: BlobStore, uri: str) -> bytes:
    with blobs.open(uri) as file:
        return file.read()


def test_what_is_kept_is_given_back(blobs: BlobStore) -> None:
    uri = blobs.put(in_memory(b"a picture"))
    assert uri == "blob:" + hashlib.sha256(b"a picture").hexdigest()
    assert blobs.has(uri)
    assert read(blobs, uri) == b"a picture"


def test_a_large_file_is_kept_in_parts_and_read_from_any_place(
    blobs: BlobStore, large: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "large.tif"
    path.write_bytes(large)
    with path.open("rb") as file:
        uri = blobs.put(handed_over(file))
    with blobs.open(uri) as kept:
        assert kept.seek(-5, io.SEEK_END) == LARGE - 5
        assert kept.read() == large[-5:]
        kept.seek(11)
        assert kept.read(13) == large[11:24]
        kept.seek(0)
        assert hashlib.sha256(kept.read()).hexdigest() == uri.removeprefix("blob:")


def test_keeping_the_same_again_reads_nothing(blobs: BlobStore) -> None:
    content = in_memory(b"the same")
    uri = blobs.put(content)

    def refuse() -> io.BytesIO:
        raise AssertionError("it is there already")

    assert blobs.put(replace(content, open=refuse)) == uri


@pytest.mark.parametrize("size", [9, LARGE], ids=["small", "large"])
def test_what_changes_while_it_is_read_is_not_kept(blobs: BlobStore, size: int) -> None:
    hashed = in_memory(bytes(size))
    changed = replace(hashed, open=lambda: io.BytesIO(b"x" * size))
    with pytest.raises(AssetNotFound, match="changed"):
        blobs.put(changed)
    uri = "blob:" + hashed.sha256
    assert not blobs.has(uri)
    assert read(blobs, blobs.put(hashed)) == bytes(size)


def test_what_vanishes_while_it_is_read_is_not_kept(blobs: BlobStore, tmp_path: Path) -> None:
    gone = Content("0" * 64, 3, lambda: (tmp_path / "gone").open("rb"))
    with pytest.raises(AssetNotFound, match="removed"):
        blobs.put(gone)
    assert not blobs.has("blob:" + "0" * 64)


def test_what_is_deleted_is_gone(blobs: BlobStore) -> None:
    uris = [blobs.put(in_memory(text)) for text in (b"one", b"two", b"three")]
    never = "blob:" + "f" * 64
    blobs.delete([uris[0], never, uris[1]])
    assert [blobs.has(uri) for uri in uris] == [False, False, True]
    with pytest.raises(AssetNotFound, match=uris[0]):
        blobs.open(uris[0])
    blobs.delete([])


def test_files_in_place_are_read_and_never_deleted(blobs: BlobStore, tmp_path: Path) -> None:
    path = tmp_path / "mine ü.png"
    path.write_bytes(b"mine")
    uri = file_uri(path)
    assert blobs.has(uri)
    assert read(blobs, uri) == b"mine"
    blobs.delete([uri])
    assert path.read_bytes() == b"mine"


def test_a_file_that_this_machine_does_not_see_names_the_remedy(blobs: BlobStore) -> None:
    uri = "file:///mnt/elsewhere/a.png"
    assert not blobs.has(uri)
    with pytest.raises(AssetNotFound, match=r"index it with --copy"):
        blobs.open(uri)


@pytest.mark.parametrize("uri", ["", "http://x/y", "blob:../../etc/passwd", "blob:", "blob:ä"])
def test_what_is_no_address_is_refused(blobs: BlobStore, uri: str) -> None:
    with pytest.raises(InvalidInput):
        blobs.open(uri)


def test_thumbnails_are_kept_replaced_and_deleted(blobs: BlobStore) -> None:
    names = ["3f2a-128", "3f2a-256"]
    assert blobs.get_derived(names[0]) is None
    for name in names:
        blobs.put_derived(name, b"first\n" + name.encode())
    blobs.put_derived(names[0], b"second")
    assert [blobs.get_derived(name) for name in names] == [b"second", b"first\n3f2a-256"]
    blobs.delete_derived([names[0], "never-there"])
    assert [blobs.get_derived(name) for name in names] == [None, b"first\n3f2a-256"]


def test_several_keep_the_same_at_once(blobs: BlobStore, large: bytes) -> None:
    from concurrent.futures import ThreadPoolExecutor

    content = in_memory(large)
    with ThreadPoolExecutor(4) as threads:
        uris = set(threads.map(blobs.put, [content] * 4))
    assert read(blobs, uris.pop()) == large
    assert not uris
