"""Files that cannot be taken away, and disks between which they are copied."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.analysis.duplicates import carrying, journal, moving
from indexer.analysis.duplicates.plans import Leaving
from indexer.errors import InvalidInput
from tests.reading import write
from tests.shelves import copies, leaving, names, new_shelf


@pytest.fixture
def shelf(new_folder: Path) -> Path:
    return new_shelf(new_folder)


@pytest.fixture
def tied(shelf: Path) -> Iterator[Leaving]:
    """A file that may be read and not be taken away."""
    (shelf / "tied").mkdir()
    step = leaving(shelf / "tied", b"t.jpg", b"tied", shelf / "kept.tif")
    file = shelf / "tied" / "t.jpg"
    if os.geteuid() != 0:
        file.parent.chmod(0o555)
        yield step
        file.parent.chmod(0o755)
        return
    try:  # nothing but this keeps root from it
        done = subprocess.run(["chattr", "+i", file], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("root may take away everything: there is no chattr")
    if done.returncode:
        pytest.skip("root may take away everything: this disk knows no chattr +i")
    yield step
    subprocess.run(["chattr", "-i", file], check=True)


@pytest.fixture
def other_disk(tmp_path: Path, shelf: Path) -> Path:
    if tmp_path.stat().st_dev == shelf.stat().st_dev:
        pytest.skip("there is one disk only")
    return tmp_path


def test_what_cannot_be_taken_away_stops_nothing_else(
    shelf: Path, tied: Leaving, new_folder: Path
) -> None:
    aside, rest = new_folder / "aside", copies(shelf)[:2]
    for moved in (2, 0):
        outcome = moving.apply([tied, *rest], aside)
        assert (outcome.moved, outcome.before) == (moved, 2 - moved)
        ((_, why),) = outcome.refused
        assert "it cannot be moved" in why
    assert sorted(path.name for path in aside.rglob("*.jpg")) == ["plain.jpg", "two words.jpg"]
    assert moving.undo(aside).moved == 2
    assert (shelf / "tied" / "t.jpg").read_bytes() == b"tied"


def test_what_cannot_go_back_stops_nothing_else(shelf: Path, new_folder: Path) -> None:
    aside, kept = new_folder / "aside", shelf / "kept.tif"
    (shelf / "gone").mkdir()
    steps = [*copies(shelf)[:1], leaving(shelf / "gone", b"g.jpg", b"g", kept)]
    moving.apply(steps, aside)
    (shelf / "gone").rmdir()
    write(shelf / "gone", "a file where the folder was")
    outcome = moving.undo(aside)
    assert outcome.moved == 1
    assert "it cannot go back" in outcome.refused[0][1]
    assert (aside / "000002" / "g.jpg").read_bytes() == b"g"


def test_a_return_that_was_cut_off_between_disks_is_finished(shelf: Path, new_folder: Path) -> None:
    aside = new_folder / "aside"
    moving.apply(copies(shelf)[:1], aside)
    write(shelf / "plain.jpg", "copy plain.jpg")  # copied back, and the other one not gone yet
    assert moving.undo(aside).moved == 1
    assert (shelf / "plain.jpg").read_bytes() == b"copy plain.jpg"
    assert not (aside / "000001").exists()


def test_files_go_to_another_disk_and_back(shelf: Path, other_disk: Path) -> None:
    aside, steps = other_disk / "aside", copies(shelf)
    unfinished = write(aside / "000001" / f".{steps[0].sha256[:16]}.unfinished", "cop")
    unfinished.chmod(0o444)
    assert moving.apply(steps, aside).moved == len(steps)
    assert names(shelf) == []
    assert not [*aside.rglob("*.unfinished")]
    assert moving.undo(aside).moved == len(steps)
    assert (shelf / "plain.jpg").read_bytes() == b"copy plain.jpg"


def test_a_copy_does_not_replace_what_came_meanwhile(shelf: Path, new_folder: Path) -> None:
    source, target = shelf / "kept.tif", write(new_folder / "a" / "kept.tif", "somebody's")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    with pytest.raises(FileExistsError):
        carrying.copy(source, target, digest)
    assert target.read_text() == "somebody's"
    assert source.read_text() == "the original"
    assert os.listdir(target.parent) == ["kept.tif"]


def test_a_copy_that_differs_is_not_kept(shelf: Path, new_folder: Path) -> None:
    (new_folder / "a").mkdir()
    with pytest.raises(OSError, match="differs") as told:
        carrying.copy(shelf / "kept.tif", new_folder / "a" / "x.tif", "0" * 64)
    assert told.value.errno == errno.EIO
    assert (shelf / "kept.tif").exists()
    assert os.listdir(new_folder / "a") == []


def test_two_at_a_time_are_refused(shelf: Path, new_folder: Path) -> None:
    aside = new_folder / "aside"
    steps = copies(shelf)[:1]
    moving.apply(steps, aside)
    with journal.opened(aside), pytest.raises(InvalidInput, match="wait until that is done"):
        moving.undo(aside)
    assert moving.undo(aside).moved == 1


def test_a_journal_that_lost_a_block_is_read(shelf: Path, new_folder: Path) -> None:
    aside = new_folder / "aside"
    moving.apply(copies(shelf)[:2], aside)
    path = aside / journal.JOURNAL
    path.write_bytes(b"\x00\xff\xfe\x00\n" + path.read_bytes())
    assert moving.undo(aside).moved == 2
