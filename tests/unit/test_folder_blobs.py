"""A folder of blobs that others mount, too: what is missing is not taken for deleted."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from indexer.blobs.folder import FolderBlobs
from indexer.content import in_memory
from indexer.errors import AssetNotFound, BlobsUnavailable


def test_a_share_that_is_not_mounted_is_no_loss_of_originals(tmp_path: Path) -> None:
    share = tmp_path / "share"
    with pytest.raises(BlobsUnavailable, match="mount it"):
        FolderBlobs(share, shared=True).put(in_memory(b"one"))
    assert not share.exists(), "nothing is written where the mount should be"
    share.mkdir()
    blobs = FolderBlobs(share, shared=True)
    uri = blobs.put(in_memory(b"one"))
    shutil.rmtree(share / "originals")
    with pytest.raises(BlobsUnavailable, match="mount it"):
        blobs.open(uri)
    blobs.put(in_memory(b"another"))
    with pytest.raises(AssetNotFound, match="is gone"):
        blobs.open(uri)


def test_what_a_killed_writer_left_is_removed_after_a_day(tmp_path: Path) -> None:
    FolderBlobs(tmp_path).put(in_memory(b"one"))
    old, new = tmp_path / "incoming/old", tmp_path / "incoming/new"
    for path in (old, new):
        path.write_bytes(b"half of a fi")
    os.utime(old, (0, 0))
    FolderBlobs(tmp_path)
    assert [path.name for path in (tmp_path / "incoming").iterdir()] == ["new"]


def test_the_layout_is_the_one_that_folders_always_had(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    sha256 = blobs.put(in_memory(b"one")).removeprefix("blob:")
    blobs.put_derived("3f2a-128", b"small")
    kept = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(kept) == [
        f"originals/{sha256[:2]}/{sha256[2:4]}/{sha256}",
        "thumbnails/3f/2a/3f2a-128",
    ]


def test_a_place_that_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(BlobsUnavailable, match="SEMBLANCE_BLOBS"):
        FolderBlobs(tmp_path / "file").put(in_memory(b"one"))
