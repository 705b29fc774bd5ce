"""Plans: what could leave and what stays; carried out and taken back, whatever files are called."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from indexer.analysis.duplicates import decisions, moving, plan_files
from indexer.analysis.duplicates.decisions import Decision, decision_on, pair_id
from indexer.analysis.duplicates.plans import Leaving, Plan, Staying, Suggestion, plan
from indexer.domain import AssetId, Kind, asset_id
from indexer.errors import InvalidInput, NotFound
from indexer.ledger import assets_where, scroll_all
from indexer.readers.location import read_location
from indexer.readers.uris import file_uri, readable
from tests.lab import Lab, engine_of, found_text, png
from tests.reading import options, write

NAMES = [
    b"plain.jpg",
    b"two words.jpg",
    b'it\'s "quoted" $HOME `id`.jpg',
    b"-rf.jpg",
    b"line\nbreak.jpg",
    b"ends in newline\n",
    b"latin1-\xe4\xf6.jpg",
]


def leaving(folder: Path, name: bytes, content: bytes, kept: Path) -> Leaving:
    path = os.path.join(os.fsencode(folder), name)
    with open(path, "wb") as file:
        file.write(content)
    digest = hashlib.sha256(content).hexdigest()
    return Leaving(
        asset_id(Kind.IMAGE, digest),
        file_uri(path),
        readable(path),
        digest,
        len(content),
        asset_id(Kind.IMAGE, "kept"),
        file_uri(kept),
        str(kept),
        hashlib.sha256(kept.read_bytes()).hexdigest(),
        "decided",
    )


@pytest.fixture
def shelf(new_folder: Path) -> Path:
    (new_folder / "shelf").mkdir(parents=True)
    write(new_folder / "shelf" / "kept.tif", "the original")
    return new_folder / "shelf"


@pytest.fixture
def steps(shelf: Path) -> list[Leaving]:
    """One copy under each of the awkward names."""
    kept = shelf / "kept.tif"
    return [leaving(shelf, name, b"copy " + name, kept) for name in NAMES]


def names(folder: Path) -> list[bytes]:
    return sorted(name for name in os.listdir(os.fsencode(folder)) if name != b"kept.tif")


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
    (aside / moving.JOURNAL).write_text(line + '{"from": "file:///hal')
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


def ids_of(lab: Lab) -> dict[str, AssetId]:
    """The assets by the last part of their first path."""
    found: dict[str, AssetId] = {}
    for point in scroll_all(lab.store, lab.collection.name, assets_where()):
        sources = point.payload["sources"]
        assert isinstance(sources, list)
        found[Path(sources[0]["path"]).name] = point.id
    return found


@pytest.fixture
def pictures(lab: Lab, shelf: Path) -> dict[str, AssetId]:
    for name, side in (("large", 40), ("small", 20), ("other", 30)):
        write(shelf / f"{name}.png", png((200, 10, side), (side, side)))
    write(shelf / "again.png", png((200, 10, 40), (40, 40)))
    (shelf / "kept.tif").unlink()
    lab.ingest(*read_location(shelf, options()))
    lab.ingest(found_text("/notes.txt", "red", "blue"))
    return ids_of(lab)


def planned(lab: Lab, suggested: Sequence[Suggestion] = (), copies: Sequence[AssetId] = ()) -> Plan:
    return plan(engine_of(lab).access, lab.collection.name, suggested, copies)


def test_decisions_make_the_plan_and_the_larger_picture_is_kept(
    lab: Lab, pictures: dict[str, AssetId]
) -> None:
    large = pictures.get("large.png") or pictures["again.png"]
    said = decision_on(pictures["small.png"], large, Decision.DUPLICATE)
    decisions.decide(lab.store, lab.collection.name, [said])
    made = planned(lab)
    assert [Path(one.path).name for one in made.leaving] == ["small.png"]
    assert (made.leaving[0].keeper, made.leaving[0].why) == (large, "decided")
    (_, row) = csv.reader(io.StringIO(plan_files.as_csv(made).decode()))
    assert row[0] == "move"


def test_what_was_decided_otherwise_is_not_suggested_again(
    lab: Lab, pictures: dict[str, AssetId]
) -> None:
    small, other = pictures["small.png"], pictures["other.png"]
    suggested = [Suggestion(small, other, "resized")]
    assert len(planned(lab, suggested).leaving) == 1
    said = decision_on(other, small, Decision.KEEP_BOTH)
    decisions.decide(lab.store, lab.collection.name, [said])
    assert planned(lab, suggested).leaving == ()
    assert decisions.undo(lab.store, lab.collection.name, [said.id]) == 1
    assert len(planned(lab, suggested).leaving) == 1


def test_decisions_that_go_in_a_circle_let_nothing_go(
    lab: Lab, pictures: dict[str, AssetId]
) -> None:
    one, two, three = sorted(id for name, id in pictures.items() if name.endswith(".png"))
    suggested = [
        Suggestion(one, two, "x"), Suggestion(two, three, "x"), Suggestion(three, one, "x")
    ]  # fmt: skip
    made = planned(lab, suggested)
    assert made.leaving == ()
    assert all("round in a circle" in one.reason for one in made.staying)


def test_of_files_equal_byte_by_byte_one_stays(lab: Lab, pictures: dict[str, AssetId]) -> None:
    large = pictures.get("large.png") or pictures["again.png"]
    made = planned(lab, copies=[large])
    assert {Path(one.path).name for one in made.leaving} | {
        Path(one.keeper_path).name for one in made.leaving
    } == {"large.png", "again.png"}
    assert len(made.leaving) == 1


def test_a_passage_stays_with_its_document(lab: Lab, pictures: dict[str, AssetId]) -> None:
    texts = [
        point.id
        for point in scroll_all(lab.store, lab.collection.name, assets_where())
        if point.payload["kind"] == "text"
    ]
    made = planned(lab, [Suggestion(texts[0], texts[1], "same_text")])
    assert made.leaving == ()
    assert made.staying[0].reason == "it is a passage of a document"


def test_a_later_decision_takes_the_place_of_an_earlier_one(
    lab: Lab, pictures: dict[str, AssetId]
) -> None:
    one, other = pictures["small.png"], pictures["other.png"]
    name = lab.collection.name
    first = decision_on(one, other, Decision.DUPLICATE, keep=one, note="the scan")
    decisions.decide(lab.store, name, [first])
    decisions.decide(lab.store, name, [decision_on(other, one, Decision.NOT_DUPLICATE)])
    (told,) = decisions.every(lab.store, name)
    assert (told.decision, told.keep, told.note) == (Decision.NOT_DUPLICATE, None, None)
    assert told.id == pair_id(one, other) == pair_id(other, one)
    assert lab.totals.found == lab.totals.indexed  # decisions are counted as nothing else


def test_a_decision_on_what_is_not_there_is_refused(lab: Lab, pictures: dict[str, AssetId]) -> None:
    one, missing = pictures["small.png"], asset_id(Kind.IMAGE, "0" * 64)
    said = decision_on(one, missing, Decision.DUPLICATE)
    with pytest.raises(NotFound, match=missing):
        decisions.decide(lab.store, lab.collection.name, [said])
    with pytest.raises(InvalidInput, match="named twice"):
        decision_on(one, one, Decision.DUPLICATE)
    with pytest.raises(InvalidInput, match="no id"):
        decision_on(one, "cat.jpg", Decision.DUPLICATE)
    with pytest.raises(InvalidInput, match="one is kept"):
        decision_on(one, missing, Decision.KEEP_BOTH, keep=one)
    assert [*decisions.every(lab.store, lab.collection.name)] == []
