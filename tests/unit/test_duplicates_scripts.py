"""Plans as shell scripts do what `apply` and `undo` do, and nothing that a name could say."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from indexer.analysis.duplicates import plan_files
from indexer.analysis.duplicates.plans import Leaving, Plan, Staying
from tests.reading import write
from tests.shelves import NAMES, copies, leaving, names, new_shelf


@pytest.fixture
def shelf(new_folder: Path) -> Path:
    return new_shelf(new_folder)


@pytest.fixture
def steps(shelf: Path) -> list[Leaving]:
    return copies(shelf)


def test_the_script_does_the_same(shelf: Path, steps: list[Leaving], new_folder: Path) -> None:
    script = new_folder / "plan.sh"
    script.write_bytes(plan_files.as_script(Plan(tuple(steps), (Staying("x", "a\nb", "why"),))))
    aside = str(new_folder / "aside")
    done = subprocess.run(["sh", script, "move", aside], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert names(shelf) == []
    done = subprocess.run(["sh", script, "undo", aside], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert names(shelf) == sorted(NAMES)


def test_the_script_refuses_what_has_changed(
    shelf: Path, steps: list[Leaving], new_folder: Path
) -> None:
    script = new_folder / "plan.sh"
    script.write_bytes(plan_files.as_script(Plan(tuple(steps[:2]), ())))
    write(shelf / "plain.jpg", "another picture by now")
    done = subprocess.run(
        ["sh", script, "move", new_folder / "aside"], capture_output=True, check=False
    )
    assert done.returncode == 1
    assert b"has changed, left alone" in done.stderr
    assert names(shelf) == sorted([b"plain.jpg", *NAMES[2:]])


def test_no_name_in_a_comment_is_run(shelf: Path, steps: list[Leaving], new_folder: Path) -> None:
    name = "harbour.zip!/x\necho INJECTED\n\x0becho INJECTED\r\n.jpg"
    reason = f"the one to keep is no plain file ({name}), so it cannot be checked"
    script = new_folder / "plan.sh"
    plan = Plan(tuple(steps), (Staying("x", name, reason), Staying("y", "Käse\u2028", reason)))
    script.write_bytes(plan_files.as_script(plan))
    done = subprocess.run(
        ["sh", script, "move", new_folder / "aside"], capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert names(shelf) == []


def test_the_script_leaves_what_lies_in_the_folder_where_it_is(shelf: Path) -> None:
    aside, kept = shelf / "aside", shelf / "kept.tif"
    (aside / "000004").mkdir(parents=True)
    original = write(aside / "000005" / "o.tif", "the original")
    inside = leaving(aside / "000004", b"x.jpg", b"x", kept)
    steps = [inside, leaving(shelf, b"y.jpg", b"y", original)]
    script = write(shelf / "plan.sh", plan_files.as_script(Plan(tuple(steps), ())))
    done = subprocess.run(["sh", script, "move", aside], capture_output=True, check=False)
    assert done.returncode == 1
    assert b"already, left alone: " in done.stderr
    assert b"lies among what was moved away" in done.stderr
    assert (aside / "000004" / "x.jpg").exists()
    assert (shelf / "y.jpg").exists()
