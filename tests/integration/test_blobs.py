"""Originals in a bucket and on a full disk, as a person meets them: through client and server."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.cli.checks import all_checks
from api.client import Client, connect
from indexer.errors import BlobsUnavailable, DiskFull
from indexer.settings import Settings
from tests.buckets import KEY, SECRET, Bucket, environment, make_bucket, reach, s3_server
from tests.lab import png

_FLAT = """
import resource, sys
from pathlib import Path
from indexer import collections
from indexer.adding import Upload, add_uploads
from indexer.assets import get_asset
from indexer.build import open_engine
from indexer.content import handed_over
from indexer.domain import Kind, Space
from indexer.originals import open_original
from indexer.settings import Settings
from tests.fakes import LosingQueue

folder, blobs = Path(sys.argv[1]), sys.argv[2] or None
engine = open_engine(Settings(data=folder / "data", cache=folder / "cache", blobs=blobs))
space = Space("sight", 4, "sight", "sight-1", frozenset({Kind.IMAGE}))
collections.create(engine.store, "things", [space])

def peak():
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

for name, size in (("medium.png", 50 * 1024**2), ("large.png", 300 * 1024**2)):
    before = peak()  # the medium one has filled pools and buffers
    path = folder / name
    # what follows the last chunk of a PNG is of no matter to decoders
    path.write_bytes((folder / "small.png").read_bytes() + name.encode())
    with path.open("r+b") as file:
        file.truncate(size)
        upload = Upload(name, handed_over(file))
        job, (outcome,) = add_uploads(engine, LosingQueue(), "things", [upload])
    asset = get_asset(engine.store, "things", outcome.ids[0])
    open_original(engine.blobs, asset).close()
    assert asset.bytes == size and asset.blob.startswith("blob:")
print(peak() - before)
engine.close()
"""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    reach(monkeypatch, endpoint)
    return make_bucket(endpoint, f"test-{uuid.uuid4().hex}")


def settings(folder: Path, blobs: str | None) -> Settings:
    return Settings(data=folder / "data", cache=folder / "cache", blobs=blobs, workers=2)


def upload(client: Client, **files: bytes) -> list[str]:
    """The ids of what was uploaded, once it is indexed."""
    told = client.upload({f"{name}.png": data for name, data in files.items()})
    assert told["job"] is not None
    job = client.wait(told["job"])
    assert job["totals"]["indexed"] == len(files), job
    return [id for file in told["files"] for id in file["ids"]]


def test_a_bucket_holds_what_is_uploaded_until_it_is_deleted(
    bucket: Bucket, tmp_path: Path
) -> None:
    with connect(settings(tmp_path, bucket.url)) as client:
        red, green = upload(client, red=png(), green=png((0, 255, 0)))
        assert client.content(red) == png()
        kept = bucket.keys()
        assert len(kept) == 2
        assert all(key.startswith("pictures/originals/") for key in kept)
        assert client.delete([red]) == 1
        assert len(bucket.keys()) == 1
        assert client.content(green) == png((0, 255, 0))
        client.delete_collection("default")
    assert bucket.keys() == []
    assert not (tmp_path / "data/blobs").exists()


def test_an_upload_that_the_bucket_refuses_is_told_and_works_when_it_is_mended(
    bucket: Bucket, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = "s3://not-made-yet-" + uuid.uuid4().hex
    with connect(settings(tmp_path, place)) as client:
        with pytest.raises(BlobsUnavailable, match=r"SEMBLANCE_BLOBS.*a bucket that is not there"):
            client.upload({"red.png": png()})
        assert [job["state"] for job in client.jobs()] == ["failed"], "nobody waits for it"
        assert client.totals()["found"] == 0
        make_bucket(endpoint, place.removeprefix("s3://"))
        upload(client, red=png())


def test_doctor_names_what_is_wrong_with_the_blobs(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(blobs: str | None) -> tuple[str, str]:
        checks = all_checks(settings(tmp_path, blobs))
        return next((one.state, one.found) for one in checks if one.name == "blobs")

    assert told(bucket.url)[0] == "ok"
    assert told(None)[0] == "ok"
    assert bucket.keys() == []
    missing = tmp_path / "not mounted"
    assert told(str(missing)) == (
        "problem",
        f"{missing} is not there: mount it, make it, or let SEMBLANCE_BLOBS name another place.",
    )
    state, found = told("s3://key:secret@bucket")
    assert (state, "secret" in found, "AWS_SECRET_ACCESS_KEY" in found) == ("problem", False, True)
    monkeypatch.setenv("AWS_ALLOW_HTTP", "false")
    assert "AWS_ALLOW_HTTP" in told(bucket.url)[1]
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    state, found = told(bucket.url)
    assert (state, "does not answer" in found) == ("problem", True)
    assert KEY not in found
    assert SECRET not in found


def test_a_folder_in_place_is_copied_when_it_is_asked_for(bucket: Bucket, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "red.png").write_bytes(png())
    with connect(settings(tmp_path, bucket.url)) as client:
        client.wait(client.index(photos))
        assert bucket.keys() == []
        # the same files, unchanged: now they are copied, and only once
        client.wait(client.index(photos, copy=True))
        assert len(bucket.keys()) == 1
        again = client.wait(client.index(photos, copy=True))
        assert again["tally"]["unchanged"] == 1
        (asset,) = client.assets()
        (photos / "red.png").unlink()
        assert client.content(asset["id"]) == png(), "others read it without the folder"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of two megabytes; it needs root and a Linux that may mount."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("no small disk: only root on Linux may mount one")
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no small disk: nothing may be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def noise() -> bytes:
    """A picture of three megabytes; decoders look no further than its end."""
    return png() + os.urandom(3 * 1024**2)


def test_a_full_disk_loses_nothing_and_leaves_nothing(small_disk: Path, tmp_path: Path) -> None:
    large_picture = noise()
    with connect(settings(tmp_path, str(small_disk))) as client:
        (kept,) = upload(client, green=png((0, 255, 0)))
        with pytest.raises(DiskFull, match="make room"):
            client.upload({"large.png": large_picture})
        left = [path.read_bytes() for path in small_disk.rglob("*") if path.is_file()]
        assert left == [png((0, 255, 0))], "no part of a file is left behind"
        assert client.content(kept) == png((0, 255, 0))
        subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
        (large,) = upload(client, large=large_picture)
        assert client.content(large) == large_picture


def test_a_full_folder_for_temporary_files_is_told(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(settings(tmp_path, None)) as client:
        upload(client, green=png((0, 255, 0)))
        monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
        with pytest.raises(DiskFull, match="TMPDIR"):
            client.upload({"large.png": noise()})


@pytest.mark.slow
@pytest.mark.parametrize("place", ["folder", "s3"])
def test_a_large_upload_needs_little_memory(
    place: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    (tmp_path / "small.png").write_bytes(png())
    blobs, reached = "", {}
    if place == "s3":
        endpoint = request.getfixturevalue("endpoint")
        blobs = make_bucket(endpoint, f"large-{uuid.uuid4().hex}").url
        reached = environment(endpoint)
    done = subprocess.run(
        [sys.executable, "-c", _FLAT, str(tmp_path), blobs],
        env={**os.environ, **reached},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    grown = int(done.stdout)
    assert grown < 60 * 1024**2, f"{grown / 1024**2:.0f} MiB more for a file of 250 MiB more"
