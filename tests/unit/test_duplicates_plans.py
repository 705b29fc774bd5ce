"""Plans: what could leave and what stays; whatever was decided, and by whom."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import pytest

from indexer.analysis.duplicates import decisions, plan_files
from indexer.analysis.duplicates.decisions import Decision, decision_on, pair_id
from indexer.analysis.duplicates.plans import Plan, Suggestion, plan
from indexer.domain import AssetId, Kind, asset_id
from indexer.errors import InvalidInput, NotFound
from indexer.ledger import assets_where, scroll_all
from indexer.readers.location import read_location
from tests.lab import Lab, engine_of, found_text, png
from tests.reading import options, write


def ids_of(lab: Lab) -> dict[str, AssetId]:
    """The assets by the last part of their first path."""
    found: dict[str, AssetId] = {}
    for point in scroll_all(lab.store, lab.collection.name, assets_where()):
        sources = point.payload["sources"]
        assert isinstance(sources, list)
        found[Path(sources[0]["path"]).name] = point.id
    return found


@pytest.fixture
def pictures(lab: Lab, new_folder: Path) -> dict[str, AssetId]:
    shelf = new_folder / "shelf"
    for name, side in (("large", 40), ("small", 20), ("other", 30)):
        write(shelf / f"{name}.png", png((200, 10, side), (side, side)))
    write(shelf / "again.png", png((200, 10, 40), (40, 40)))
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


def test_what_was_decided_otherwise_holds_over_several_steps(
    lab: Lab, pictures: dict[str, AssetId]
) -> None:
    small, other = pictures["small.png"], pictures["other.png"]
    large = pictures.get("large.png") or pictures["again.png"]
    said = [
        decision_on(other, large, Decision.DUPLICATE, keep=large),
        decision_on(small, large, Decision.NOT_DUPLICATE),
    ]
    decisions.decide(lab.store, lab.collection.name, said)
    made = planned(lab, [Suggestion(small, other, "resized")])
    assert [one.asset for one in made.leaving] == [other]
    assert [one.asset for one in made.staying] == [small]
    assert "a decision keeps it apart from" in made.staying[0].reason


def test_of_two_that_are_both_wanted_the_better_stays(
    lab: Lab, pictures: dict[str, AssetId]
) -> None:
    small, other = pictures["small.png"], pictures["other.png"]
    large = pictures.get("large.png") or pictures["again.png"]
    suggested = [Suggestion(small, large, "resized"), Suggestion(other, large, "resized")]
    assert len(planned(lab, suggested).leaving) == 2
    said = decision_on(small, other, Decision.KEEP_BOTH)
    decisions.decide(lab.store, lab.collection.name, [said])
    made = planned(lab, suggested)
    assert [Path(one.path).name for one in made.leaving] == ["small.png"]
    assert [Path(one.path).name for one in made.staying] == ["other.png"]


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
