"""The demo's sample collection: complete, readable, the same every time, and cheap to ask for."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from indexer.errors import Unavailable
from indexer.samples import NOTES, make_samples
from indexer.samples.markdown import markdown, prose, titled

PICTURES = {".png", ".jpg", ".gif", ".tif"}
BROKEN = {"misfits/cut-off.jpg", "misfits/empty.jpg"}


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_samples(tmp_path_factory.mktemp("samples"))


def paths(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path: (folder / path).read_bytes() for path in paths(folder)}


def pixels(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    with PIL.Image.open(path) as image:
        return np.asarray(image.convert("L").resize((32, 32)), dtype=np.float64)


def test_there_are_pictures_and_all_but_the_broken_ones_open(samples: Path) -> None:
    pictures = [path for path in paths(samples) if Path(path).suffix in PICTURES]
    originals = [path for path in pictures if not path.startswith(("copies", "misfits"))]
    assert len(originals) >= 30
    assert len(pictures) >= 55
    for path in set(pictures) - BROKEN:
        with PIL.Image.open(samples / path) as image:
            image.load()
    for path in BROKEN:
        with (
            pytest.raises(OSError, match=r"identify|truncated"),
            PIL.Image.open(samples / path) as image,
        ):
            image.load()


def test_captions_stand_beside_their_pictures(samples: Path) -> None:
    captions = list(samples.rglob("*.txt"))
    assert len(captions) >= 25
    for caption in captions:
        assert any(caption.with_suffix(suffix).is_file() for suffix in PICTURES), caption
        assert len(caption.read_text().split()) >= 5
    assert "cat" in (samples / "photographs/animals/cat.txt").read_text()


def test_copies_look_like_their_originals(samples: Path) -> None:
    original = pixels(samples / "photographs/animals/cat.png")
    half = pixels(samples / "copies/cat-half-size.jpg")
    mirrored = pixels(samples / "copies/cat-mirrored.jpg")
    assert np.abs(original - half).mean() < 3
    assert np.abs(original - mirrored[:, ::-1]).mean() < 3
    same = (samples / "copies/IMG_0001.png").read_bytes()
    assert same == (samples / "photographs/space/moon.png").read_bytes()


def test_the_scan_has_a_page_for_each_document(samples: Path) -> None:
    with PIL.Image.open(samples / "documents/scan.tif") as scan:
        assert getattr(scan, "n_frames", 1) == 2


def test_there_are_texts_and_they_are_readable(samples: Path) -> None:
    texts = paths(samples / "texts")
    assert len(texts) >= 200
    for path in texts:
        text = (samples / "texts" / path).read_text(encoding="utf-8")
        assert text.startswith("# "), path
        assert ":func:`" not in text, path
        assert "\n>>> " not in text, path
        assert "\nParameters\n" not in text, path


def test_the_notes_name_every_file(samples: Path) -> None:
    notes = (samples / NOTES).read_text(encoding="utf-8")
    for path in paths(samples):
        assert path == NOTES or f"| {path} | " in notes


def test_a_second_call_writes_nothing(samples: Path) -> None:
    before = {path: (samples / path).stat().st_mtime_ns for path in paths(samples)}
    make_samples(samples)
    assert before == {path: (samples / path).stat().st_mtime_ns for path in paths(samples)}


def test_two_collections_are_equal_and_what_is_missing_comes_back(
    samples: Path, tmp_path: Path
) -> None:
    make_samples(tmp_path)
    (tmp_path / "photographs/animals/cat.png").unlink()
    (tmp_path / "my own.txt").write_text("stays")
    make_samples(tmp_path)
    assert contents(tmp_path) == contents(samples) | {"my own.txt": b"stays"}


def test_a_missing_package_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "skimage" else find_spec(name)
    )
    with pytest.raises(Unavailable, match=r"scikit-image.*pip install 'semblance\[demo\]'"):
        make_samples(tmp_path)
    assert not paths(tmp_path)


def test_markdown_of_what_occurs_in_the_sources() -> None:
    source = """\
.. _wine:

Wine
----

:Number of Instances: 178

==== =====
name value
==== =====
Hue  1.71
==== =====

See :func:`~sklearn.datasets.load_wine` and `the archive <https://example.org>`__ [1]_.

.. math:: p = 1

.. versionadded:: 1.0
    Gone.

.. [1] Gone as well.
"""
    assert (
        markdown(source)
        == """\
# Wine

- **Number of Instances:** 178

| name | value |
| --- | --- |
| Hue | 1.71 |

See `load_wine` and [the archive](https://example.org).

$$ p = 1 $$
"""
    )


def test_prose_leaves_out_what_only_callers_need() -> None:
    docstring = "Count.\n\nParameters\n----------\nx : int\n\nNotes\n-----\nWorth knowing.\n"
    assert prose(docstring).split() == ["Count.", "Worth", "knowing."]


def test_the_first_sentence_is_the_title() -> None:
    assert titled("Count things.\n\nMore.", "a note") == "# Count things\n\n*a note*\n\nMore.\n"
