"""Who stays for whom, where one pair leads to the next: on paper, with letters for assets."""

from __future__ import annotations

from collections import defaultdict

from indexer.analysis.duplicates.chains import Settled, settle


def settled(favours: str, *apart: str) -> Settled:
    """`ab bc` is: a could go for b, and b for c; `ab` apart is a decision on these two."""
    kept_apart: dict[str, set[str]] = defaultdict(set)
    for pair in apart:
        kept_apart[pair[0]].add(pair[1])
        kept_apart[pair[1]].add(pair[0])
    return settle({step[0]: step[1] for step in favours.split()}, kept_apart, str.upper)


def test_chains_are_followed_to_their_end() -> None:
    assert settled("ab bc cd xd") == Settled({"a": "d", "b": "d", "c": "d", "x": "d"}, {})


def test_nothing_goes_for_what_it_is_kept_apart_from() -> None:
    found = settled("ab bc", "ac")
    assert found.kept == {"b": "c"}
    assert found.staying == {"a": "a decision keeps it apart from C"}


def test_what_stays_after_all_is_the_end_of_the_chains_to_it() -> None:
    found = settled("ab bc cd", "bd")
    assert found.kept == {"a": "b", "c": "d"}
    assert [*found.staying] == ["b"]


def test_one_of_two_that_are_kept_apart_stays() -> None:
    found = settled("ak bk", "ab")
    assert found.kept == {"a": "k"}
    assert found.staying == {"b": "a decision keeps it apart from A, which leaves"}
    assert settled("ak bl", "ab").staying == {}  # each one has another that stays for it


def test_what_goes_in_a_circle_stays_and_what_leads_to_it_can_go() -> None:
    found = settled("ta ab bc ca")
    assert [*found.staying] == ["a", "b", "c"]
    assert all("round in a circle" in why for why in found.staying.values())
    assert found.kept == {"t": "a"}
