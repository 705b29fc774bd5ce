"""Members of archives are documents; traps, locks and damage are told, and never loop."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from indexer.content import in_memory
from indexer.readers.found import Found
from indexer.readers.location import read_location, read_upload
from indexer.readers.uris import file_uri
from tests.reading import LIMITS, bytes_of, candidates, encoded, failure, options, write

FILES = {"birds/wren.png": encoded("red"), "a.txt": b"A text about birds."}


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(files: Mapping[str, bytes], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def uploaded(name: str, data: bytes, **changes: object) -> list[Found]:
    return list(read_upload(name, in_memory(data), options(**changes)))


def short(found: list[Found]) -> list[str]:
    return [one.uri.partition("!/")[2] or "(archive)" for one in found]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.zip", zipped(FILES)),
        ("a.tar", tarred(FILES)),
        ("a.tar.gz", tarred(FILES, "w:gz")),
        ("a.tbz2", tarred(FILES, "w:bz2")),
        ("a.tar.xz", tarred(FILES, "w:xz")),
    ],
)
def test_members_are_documents_and_the_archive_comes_last(
    name: str, data: bytes, tmp_path: Path
) -> None:
    path = write(tmp_path / name, data)
    found = list(read_location(path, options(labels=True)))
    assert short(found) == ["birds/wren.png", "a.txt", "(archive)"]
    # all are listed before any is read, as ingest does
    picture, text = candidates(found)
    assert (bytes_of(picture), picture.blob) == (FILES["birds/wren.png"], None)
    assert picture.metadata == {"label": "birds"}
    assert text.text == "A text about birds."
    assert found[0].container == found[2].uri == file_uri(path)
    assert found[0].path == f"{path}!/birds/wren.png"
    # in any order, and again
    assert [one.text for one in found[1].read()] == [text.text]
    assert [bytes_of(one) for one in found[0].read()] == [bytes_of(picture)]


def test_an_unchanged_archive_is_not_opened(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", zipped(FILES))
    known = (file_uri(path), path.stat().st_size, path.stat().st_mtime_ns)
    found = list(read_location(path, options(unchanged=lambda *asked: asked == known)))
    assert short(found) == ["(archive)"]
    assert list(found[0].read()) == []


def test_names_that_lead_out_are_skipped() -> None:
    names = ["../a.txt", "/b.txt", "x/../../c.txt", "C:/d.txt", "ok/e.txt", ".hidden/f.txt"]
    files = dict.fromkeys(names, b"Text.")
    for data in (zipped(files), tarred(files)):
        found = uploaded("a.zip" if data[:2] == b"PK" else "a.tar", data)
        codes = [one.skip and one.skip.code for one in found]
        assert codes == ["unsafe_name"] * 4 + [None, None]


def test_links_and_devices_are_skipped() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            info = tarfile.TarInfo("a.jpg")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    found = uploaded("a.tar", buffer.getvalue())
    assert [one.skip is not None for one in found] == [True] * 4 + [False]


def test_an_archive_inside_an_archive_is_skipped() -> None:
    inner, _ = uploaded("a.zip", zipped({"b.zip": zipped(FILES)}))
    assert inner.skip is not None
    assert inner.skip.code == "nested_archive"


def test_an_encrypted_member_says_so() -> None:
    data = bytearray(zipped({"a.txt": b"Hello."}))
    # the flag of encryption, in the local header and in the directory
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    member, _ = uploaded("a.zip", bytes(data))
    assert member.skip is not None
    assert member.skip.code == "encrypted"


def test_names_in_utf8_without_the_flag() -> None:
    data = zipped({"caf\u00e9.txt": b"Hello."})
    at_local, at_directory = 6, data.index(b"PK\x01\x02") + 8
    unflagged = bytearray(data)
    for at in (at_local, at_directory):
        struct.pack_into("<H", unflagged, at, 0)
    assert uploaded("a.zip", bytes(unflagged))[0].path == "a.zip!/café.txt"


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_more_members_than_the_limit(kind: str) -> None:
    files = {f"{i}.txt": b"Text." for i in range(101)}
    data = zipped(files) if kind == "zip" else tarred(files, "w:gz" if kind == "tar.gz" else "w")
    found = uploaded(f"a.{kind}", data)
    assert failure(found[-1]).code == "asset_too_large"
    assert len(found) <= 101


@pytest.mark.parametrize("pack", [zipped, lambda files: tarred(files, "w:gz")])
def test_an_archive_that_unpacks_without_end(pack: object) -> None:
    files = {f"{i}.png": bytes(5_000_000) for i in range(5)}
    small = replace(LIMITS, archive_bytes=12_000_000)
    data = pack(files)  # type: ignore[operator]
    found = uploaded("a.zip" if data[:2] == b"PK" else "a.tgz", data, limits=small)
    codes = []
    for one in found:
        try:
            list(one.read())
        except Exception as error:
            codes.append(getattr(error, "code", "?"))
    assert set(codes) == {"asset_too_large"}
    assert codes


def test_a_member_that_lies_about_its_size() -> None:
    data = bytearray(zipped({"a.txt": b"word " * 3_000_000}))
    directory = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, directory + 24, 100)
    member, _ = uploaded("a.zip", bytes(data))
    assert member.size == 100
    assert failure(member).code in ("asset_too_large", "undecodable_asset")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.zip", b"no zip"),
        ("a.zip", b""),
        ("a.zip", zipped(FILES)[:-30]),
        ("a.tar", b"no tar" * 200),
        ("a.tar", b""),
        ("a.tgz", tarred(FILES, "w:gz")[:-20]),
        ("a.tar", tarred(FILES)[:700]),
    ],
)
def test_a_broken_archive_is_told_by_its_own_document(name: str, data: bytes) -> None:
    found = uploaded(name, data)
    assert short(found)[-1] == "(archive)"
    assert failure(found[-1]).code == "undecodable_asset"


def test_a_tar_with_a_damaged_header_does_not_just_end() -> None:
    data = bytearray(tarred({"a.txt": b"One.", "b.txt": b"Two."}))
    data[1024 + 148] ^= 0xFF  # the checksum of the second header
    found = uploaded("a.tar", bytes(data))
    assert short(found) == ["a.txt", "(archive)"]
    assert "broken header" in failure(found[-1]).message


def test_a_damaged_member_fails_alone() -> None:
    data = bytearray(zipped({"a.txt": b"Some text that is here.", "b.txt": b"Fine."}))
    data[37] ^= 0xFF
    first, second, archive = uploaded("a.zip", bytes(data))
    assert failure(first).code == "undecodable_asset"
    assert [one.text for one in second.read()] == ["Fine."]
    assert list(archive.read()) == []


def test_a_tar_header_cannot_fill_the_memory() -> None:
    info = tarfile.TarInfo("././@PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, 500_000_000
    packed = gzip.compress(info.tobuf() + bytes(2_000_000))
    assert "megabyte" in failure(uploaded("a.tgz", packed)[-1]).message
