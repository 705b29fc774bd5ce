"""What a folder holds is found, once, in order, and what cannot be read is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import indexer
from indexer.content import in_memory
from indexer.domain import Kind
from indexer.errors import InvalidInput, NotFound, UndecodableAsset
from indexer.readers.folder import read_folder
from indexer.readers.found import Found
from indexer.readers.location import read_location, read_upload
from indexer.readers.uris import file_uri, member_uri, path_of, readable, upload_uri
from tests.reading import at, bytes_of, candidates, encoded, failure, options, write


def found(root: Path, **changes: object) -> list[Found]:
    return list(read_location(root, options(**changes)))


def names(root: Path, **changes: object) -> list[str]:
    return [os.path.relpath(one.path, root) for one in found(root, **changes)]


@pytest.mark.parametrize(
    "name", [b"plain.jpg", "für!/%20 #?.jpg".replace("/", "").encode(), b"caf\xe9.jpg", b"\xff\x80"]
)
def test_any_file_name_survives_its_uri(name: bytes) -> None:
    path = b"/some where/" + name
    uri = file_uri(path)
    assert uri.isascii()
    assert "!" not in uri
    assert os.fsencode(path_of(uri)) == path
    readable(path).encode()


def test_uris_of_members_and_uploads() -> None:
    archive = file_uri("/a/b.zip")
    assert member_uri(archive, "x/y z.jpg") == "file:///a/b.zip!/x/y%20z.jpg"
    assert upload_uri("a b.jpg") == "upload:///a%20b.jpg"
    for uri in ("http://a/b", member_uri(archive, "x"), "upload:///a"):
        with pytest.raises(InvalidInput):
            path_of(uri)


def test_a_walk_is_sorted_and_passes_over_what_is_hidden_or_excluded(tmp_path: Path) -> None:
    for name in ("b.jpg", "a.jpg", ".hidden.jpg", ".git/c.jpg", "sub/d.jpg", "sub/no/e.jpg"):
        write(tmp_path / name, encoded())
    assert names(tmp_path) == ["a.jpg", "b.jpg", "sub/d.jpg", "sub/no/e.jpg"]
    assert names(tmp_path, exclude=("no",)) == ["a.jpg", "b.jpg", "sub/d.jpg"]
    assert names(tmp_path, exclude=("sub/",)) == ["a.jpg", "b.jpg"]
    assert names(tmp_path, exclude=("sub/*.jpg", "b.*")) == ["a.jpg"]


def test_a_picture_in_place(tmp_path: Path) -> None:
    path = write(tmp_path / "birds" / "wren.jpg", encoded("blue", (30, 20)))
    (one,) = at(tmp_path, labels=True)
    # a PNG that is called .jpg is a PNG
    assert (one.kind, one.media_type, one.width, one.height) == (Kind.IMAGE, "image/png", 30, 20)
    assert one.blob == one.source.uri == file_uri(path)
    assert bytes_of(one) == path.read_bytes()
    assert one.metadata == {"label": "birds"}
    assert one.problem is None
    assert at(tmp_path)[0].metadata == {}


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.png"
    try:
        Path(os.fsdecode(path)).write_bytes(encoded())
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    (one,) = found(tmp_path)
    assert one.uri.endswith("/caf%E9.png")
    assert one.path.endswith("/caf\ufffd.png")
    assert candidates([one])[0].width == 8


def test_links_lead_nowhere_twice(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    write(root / "a.jpg", encoded())
    write(outside / "b.jpg", encoded())
    (root / "loop").symlink_to(root)
    (outside / "back").symlink_to(root)
    (root / "out").symlink_to(outside)
    (root / "out2").symlink_to(outside)
    (root / "same.jpg").symlink_to(root / "a.jpg")
    assert names(root) == ["a.jpg", "same.jpg", "out/b.jpg"]


def test_what_cannot_be_read_fails_alone(tmp_path: Path) -> None:
    write(tmp_path / "a" / "1.jpg", encoded())
    write(tmp_path / "b" / "2.jpg", encoded())
    write(tmp_path / "c.jpg", encoded())
    (tmp_path / "broken.jpg").symlink_to(tmp_path / "nowhere.jpg")
    walk = read_folder(tmp_path, options())
    first = next(walk)
    assert "broken.jpg" in failure(first).message
    gone = next(walk)
    (tmp_path / "c.jpg").unlink()
    assert "not there any more" in failure(gone).message
    # a folder that goes while the walk is on its way
    os.remove(tmp_path / "b" / "2.jpg")
    os.rmdir(tmp_path / "b")
    rest = list(walk)
    assert [one.path.removeprefix(str(tmp_path)) for one in rest] == ["/a/1.jpg", "/b"]
    assert isinstance(failure(rest[1]), InvalidInput)


def test_what_is_not_read_says_why(tmp_path: Path) -> None:
    write(tmp_path / "a.mp3", b"ID3")
    write(tmp_path / "b.txt", b"")
    write(tmp_path / "IMG_0001", encoded())
    write(tmp_path / "README", "just text")
    os.mkfifo(tmp_path / "s.jpg")
    reasons = {Path(one.path).name: one.skip and one.skip.code for one in found(tmp_path)}
    unsupported = "unsupported_media"
    assert reasons == {
        "IMG_0001": None,
        "README": unsupported,
        "a.mp3": unsupported,
        "b.txt": "empty",
        "s.jpg": unsupported,
    }


def test_broken_pictures_are_candidates_with_a_problem(tmp_path: Path) -> None:
    write(tmp_path / "empty.jpg", b"")
    write(tmp_path / "huge.png", encoded(size=(2000, 1000)))
    write(tmp_path / "text.jpg", "not a picture at all")
    problems = {one.source.path.rsplit("/")[-1]: one.problem for one in at(tmp_path)}
    codes = {name: problem and problem.code for name, problem in problems.items()}
    assert codes == {
        "empty.jpg": "undecodable_asset",
        "huge.png": "asset_too_large",
        "text.jpg": "undecodable_asset",
    }


def test_pages_of_a_tiff_are_pictures_of_their_own(tmp_path: Path) -> None:
    pages = [Image.new("RGB", (8, 6), "red"), Image.new("RGB", (2000, 1000), "blue")]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    first, second = at(tmp_path)
    assert (first.page, first.source.page, first.width, first.problem) == (1, 1, 8, None)
    assert (second.page, second.width) == (2, 2000)
    assert second.problem is not None
    assert first.content is second.content


def test_texts_keep_their_places(tmp_path: Path) -> None:
    text = "# Sea\n\nWaves are high today. " + "The wind blows from the west again. " * 5
    write(tmp_path / "a.md", text)
    passages = at(tmp_path)
    assert len(passages) > 1
    for one in passages:
        assert one.text == text[one.source.start : one.source.end]
        assert one.metadata == {"title": "Sea"}
        assert one.media_type == "text/markdown"


def test_binary_and_blank_texts_fail(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", bytes(range(256)))
    write(tmp_path / "b.txt", " \n ")
    write(tmp_path / "c.txt", b"x" * 11_000_000)
    codes = [failure(one).code for one in found(tmp_path)]
    assert codes == ["undecodable_asset", "undecodable_asset", "asset_too_large"]


def test_nothing_at_a_path(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="check the path"):
        read_location(tmp_path / "nowhere", options())
    write(tmp_path / "a.jpg", encoded())
    with pytest.raises(NotFound):
        read_location(tmp_path / "a.jpg" / "b", options())


def test_a_single_file_is_found_as_in_its_folder(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", encoded())
    write(tmp_path / "a.txt", "A red square.")
    (alone,), (inside,) = found(path), found(tmp_path)
    assert (alone.uri, alone.size, alone.mtime_ns) == (inside.uri, inside.size, inside.mtime_ns)
    assert at(path) == at(tmp_path)
    assert at(path)[0].metadata == {"caption": "A red square."}


def test_captions_beside_pictures(tmp_path: Path) -> None:
    write(tmp_path / "a.png", encoded())
    write(tmp_path / "a.txt", "A red square.\n")
    write(tmp_path / "a.json", json.dumps({"year": 1998, "camera": {"model": "X"}, "no": None}))
    write(tmp_path / "b.txt", "A text by itself.")
    write(tmp_path / "c.png", encoded("blue"))
    write(tmp_path / "c.txt", "long " * 20_000)
    assert names(tmp_path) == ["a.png", "b.txt", "c.png", "c.txt"]
    first = candidates(found(tmp_path)[:1])[0]
    assert first.metadata == {"caption": "A red square.", "year": 1998, "camera": {"model": "X"}}


def test_a_new_caption_makes_its_picture_new(tmp_path: Path) -> None:
    write(tmp_path / "a.png", encoded())
    before = found(tmp_path)[0].mtime_ns
    os.utime(write(tmp_path / "a.txt", "New."), ns=(before + 5, before + 5))
    assert found(tmp_path)[0].mtime_ns == before + 5


def test_a_broken_caption_file_is_told_and_its_picture_kept(tmp_path: Path) -> None:
    write(tmp_path / "a.png", encoded())
    write(tmp_path / "a.json", "{")
    reading = found(tmp_path)[0].read()
    assert next(reading).problem is None
    with pytest.raises(UndecodableAsset, match=r"a\.json"):
        next(reading)


def test_coco_captions_reach_their_pictures(tmp_path: Path) -> None:
    write(tmp_path / "val" / "1.png", encoded())
    write(tmp_path / "train" / "1.png", encoded("blue"))
    write(tmp_path / "other.json", '{"a": 1}')
    content = {
        "images": [
            {"id": 1, "file_name": "1.png"},
            {"id": 2, "file_name": "train/1.png"},
            "nonsense",
        ],
        "annotations": [
            {"image_id": 1, "caption": "Red."},
            {"image_id": 1, "caption": "A square."},
            {"image_id": 2, "caption": "Blue."},
            {"image_id": 9, "caption": "Nobody's."},
            {"image_id": [1]},
        ],
    }
    write(tmp_path / "notes" / "captions.json", json.dumps(content))
    assert names(tmp_path) == ["other.json", "train/1.png", "val/1.png"]
    blue, red = at(tmp_path)
    assert blue.metadata == {"captions": ["Blue."]}
    assert red.metadata == {"captions": ["Red.", "A square."]}


def test_uploads(tmp_path: Path) -> None:
    (one,) = read_upload("ünï/my photo.jpg", in_memory(encoded()), options(), prefix="ab12")
    assert one.uri == "upload:///ab12/%C3%BCn%C3%AF/my%20photo.jpg"
    (picture,) = one.read()
    assert (picture.blob, picture.source.path) == (None, "ünï/my photo.jpg")
    (text,) = read_upload("a.txt", in_memory(b"Hello there."), options())
    assert [passage.text for passage in text.read()] == ["Hello there."]
    (table,) = read_upload("a.csv", in_memory(b"image,text\n/etc/hosts.png,Hello\n"), options())
    picture, passage = table.read()
    assert picture.problem is not None
    assert "only a table that lies in a folder" in picture.problem.message
    assert passage.text == "Hello"


def test_importing_the_readers_loads_nothing_heavy() -> None:
    heavy = "{'pyarrow', 'pypdfium2', 'pillow_heif', 'charset_normalizer', 'sentencex'}"
    code = f"import sys, indexer.readers.location; print({heavy} & set(sys.modules))"
    root = Path(indexer.__file__).parents[1]
    command = [sys.executable, "-c", code]
    shown = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"
