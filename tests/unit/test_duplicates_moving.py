"""Plans are carried out and taken back, and whatever happens no content is lost."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from indexer.analysis.duplicates import journal, moving, plan_files
from indexer.analysis.duplicates.plans import Leaving, Plan
from indexer.errors import InvalidInput
from indexer.readers.uris import file_uri
from tests.reading import write
from tests.shelves import NAMES, copies, leaving, names, new_shelf


@pytest.fixture
def shelf(new_folder: Path) -> Path:
    return new_shelf(new_folder)


@pytest.fixture
def steps(shelf: Path) -> list[Leaving]:
    return copies(shelf)


def test_files_are_moved_and_moved_back_whatever_they_are_called(
    shelf: Path, steps: list[Leaving], new_folder: Path
) -> None:
    aside = new_folder / "aside"
    steps = plan_files.moves(plan_files.as_json(Plan(tuple(steps), ())), "plan.json")
    assert moving.apply(steps, aside).moved == len(NAMES)
    assert names(shelf) == []
    again = moving.apply(steps, aside)
    assert (again.moved, again.before, again.refused) == (0, len(NAMES), [])
    assert moving.undo(aside).moved == len(NAMES)
    assert names(shelf) == sorted(NAMES)
    assert (shelf / "plain.jpg").read_bytes() == b"copy plain.jpg"
    assert moving.undo(aside).moved == 0


def test_what_has_changed_and_what_has_lost_its_keeper_is_left_alone(
    shelf: Path, steps: list[Leaving], new_folder: Path
) -> None:
    write(shelf / "plain.jpg", "another picture by now")
    outcome = moving.apply(steps[:2], new_folder / "aside")
    assert outcome.moved == 1
    assert "holds something else than when the plan was made" in outcome.refused[0][1]
    (shelf / "kept.tif").unlink()
    outcome = moving.apply(steps, new_folder / "elsewhere")
    assert outcome.moved == 0
    assert "the one to keep" in outcome.refused[2][1]


def test_a_second_name_of_the_kept_file_is_no_copy(shelf: Path, new_folder: Path) -> None:
    kept = shelf / "kept.tif"
    os.link(kept, shelf / "second.tif")
    step = leaving(shelf, b"x", b"", kept)
    digest = hashlib.sha256(kept.read_bytes()).hexdigest()
    step = Leaving(
        step.asset, file_uri(shelf / "second.tif"), "", digest, 1, step.keeper, step.keeper_uri,
        "", digest, "exact copy",
    )  # fmt: skip
    outcome = moving.apply([step], new_folder / "aside")
    assert "the same file as the one to keep" in outcome.refused[0][1]
    assert (shelf / "second.tif").exists()


def test_nothing_is_overwritten_when_files_come_back(
    shelf: Path, steps: list[Leaving], new_folder: Path
) -> None:
    moving.apply(steps[:2], new_folder / "aside")
    write(shelf / "plain.jpg", "new")
    outcome = moving.undo(new_folder / "aside")
    assert outcome.moved == 1
    assert "there is a file again" in outcome.refused[0][1]
    assert (shelf / "plain.jpg").read_text() == "new"


def test_a_move_that_was_cut_off_is_finished(
    shelf: Path, steps: list[Leaving], new_folder: Path
) -> None:
    aside = new_folder / "aside"
    (aside / "000001").mkdir(parents=True)
    os.link(shelf / "plain.jpg", aside / "000001" / "plain.jpg")  # linked, and not yet unlinked
    line = '{"from": "%s", "to": "%s", "sha256": "%s"}\n' % (  # noqa: UP031
        steps[0].uri,
        file_uri(aside / "000001" / "plain.jpg"),
        steps[0].sha256,
    )
    (aside / journal.JOURNAL).write_text(line + '{"from": "file:///hal')
    assert moving.apply(steps[:2], aside).moved == 2
    assert names(shelf) == sorted(NAMES[2:])
    assert moving.undo(aside).moved == 2
    assert names(shelf) == sorted(NAMES)


def test_a_file_that_is_no_plan_and_a_folder_without_a_journal_are_refused(
    new_folder: Path,
) -> None:
    for data in (b"", b"[]", b'{"format": "semblance-duplicates-1"}', b"\xff"):
        with pytest.raises(InvalidInput, match=r"x\.json is no plan"):
            plan_files.moves(data, "x.json")
    with pytest.raises(InvalidInput, match="nothing was moved there"):
        moving.undo(new_folder)


def test_a_file_that_lies_in_the_folder_already_stays_there(shelf: Path) -> None:
    aside = shelf / "Set-aside"
    assert moving.apply(copies(shelf)[:1], aside).moved == 1
    first = aside / "000001" / "plain.jpg"  # found by the next indexing, and planned again
    kept = shelf / "kept.tif"
    again = leaving(first.parent, b"plain.jpg", first.read_bytes(), kept)
    outcome = moving.apply([again], aside)
    assert outcome.moved == 0
    assert "already; choose another folder" in outcome.refused[0][1]
    assert first.read_bytes() == b"copy plain.jpg"
    assert moving.undo(aside).moved == 1
    assert (shelf / "plain.jpg").read_bytes() == b"copy plain.jpg"


def test_the_folder_is_known_by_every_other_name(shelf: Path, new_folder: Path) -> None:
    aside, link = shelf / "Set-aside", new_folder / "link"
    moving.apply(copies(shelf)[:1], aside)
    link.symlink_to(aside / "000001")
    again = leaving(link, b"plain.jpg", b"copy plain.jpg", shelf / "kept.tif")
    assert moving.apply([again], aside).moved == 0
    assert (aside / "000001" / "plain.jpg").read_bytes() == b"copy plain.jpg"


def test_a_second_plan_into_the_folder_deletes_nothing(shelf: Path, new_folder: Path) -> None:
    """Its first file has the name and the bytes of the first one of the first plan."""
    aside, kept = new_folder / "aside", shelf / "kept.tif"
    (shelf / "a").mkdir()
    (shelf / "c").mkdir()
    here = leaving(shelf / "a", b"h.jpg", b"the same", kept)
    assert moving.apply([here], aside).moved == 1
    there = leaving(shelf / "c", b"h.jpg", b"the same", kept)
    outcome = moving.apply([there], aside)
    assert (outcome.moved, outcome.before) == (0, 0)
    assert "is there already; choose another folder" in outcome.refused[0][1]
    assert (shelf / "c" / "h.jpg").read_bytes() == b"the same"
    assert moving.undo(aside).moved == 1
    assert (shelf / "a" / "h.jpg").read_bytes() == b"the same"


def test_a_move_that_was_cut_off_is_not_finished_without_the_one_to_keep(
    shelf: Path, steps: list[Leaving], new_folder: Path
) -> None:
    aside = new_folder / "aside"
    moving.apply(steps[:1], aside)
    os.link(aside / "000001" / "plain.jpg", shelf / "plain.jpg")
    (shelf / "kept.tif").unlink()
    outcome = moving.apply(steps[:1], aside)
    assert (outcome.moved, len(outcome.refused)) == (0, 1)
    assert (shelf / "plain.jpg").exists()


def test_what_was_moved_away_is_not_what_is_kept(shelf: Path, new_folder: Path) -> None:
    aside = new_folder / "aside"
    kept = write(aside / "000007" / "kept.tif", "the original")
    outcome = moving.apply([leaving(shelf, b"x.jpg", b"x", kept)], aside)
    assert "lies among what was moved away" in outcome.refused[0][1]
    assert (shelf / "x.jpg").exists()


def test_a_link_to_what_was_moved_is_no_second_copy_of_it(
    shelf: Path, steps: list[Leaving], new_folder: Path
) -> None:
    aside = new_folder / "aside"
    moving.apply(steps[:1], aside)
    (shelf / "plain.jpg").symlink_to(aside / "000001" / "plain.jpg")
    assert moving.undo(aside).moved == 0
    assert moving.apply(steps[:1], aside).moved == 0
    assert (aside / "000001" / "plain.jpg").read_bytes() == b"copy plain.jpg"


def test_a_place_is_given_back_to_the_last_file_that_went_there(
    shelf: Path, new_folder: Path
) -> None:
    aside, kept = new_folder / "aside", shelf / "kept.tif"
    (shelf / "a").mkdir()
    (shelf / "c").mkdir()
    here = leaving(shelf / "a", b"h.jpg", b"the same", kept)
    there = leaving(shelf / "c", b"h.jpg", b"the same", kept)
    (shelf / "a" / "h.jpg").rename(shelf / "elsewhere.jpg")
    assert moving.apply([there], aside).moved == 1
    moving.undo(aside)
    (shelf / "c" / "h.jpg").unlink()
    (shelf / "elsewhere.jpg").rename(shelf / "a" / "h.jpg")
    assert moving.apply([here], aside).moved == 1
    aside.rename(new_folder / "renamed")
    assert moving.undo(new_folder / "renamed").moved == 1
    assert (shelf / "a" / "h.jpg").exists()
    assert not (shelf / "c" / "h.jpg").exists()
