"""What each condition finds, by examples that can be checked by hand."""

from __future__ import annotations

import uuid

import numpy as np
import pytest

from indexer.domain import FieldType, Point, PointVectors
from indexer.errors import InvalidQuery
from indexer.filters import (
    All,
    Any,
    AnyOf,
    Contains,
    Equals,
    Exists,
    Filter,
    HasId,
    HasVector,
    Not,
    Range,
)
from indexer.ports import VectorStore

IDS = [str(uuid.UUID(int=n)) for n in range(1, 61)]
PAYLOADS: list[dict[str, object]] = [
    {"n": 1, "title": "A red barn"},  # 0
    {"n": 1.0, "title": "Barn, painted RED"},  # 1
    {"n": "1", "title": "redbarn"},  # 2
    {"n": True, "title": ["Old barn", "red car"]},  # 3
    {"n": [5, 1], "title": None, "taken": "1954-03-01"},  # 4
    {"n": None, "title": "", "taken": "1954-03-01T12:00:00Z"},  # 5
    {"n": [], "metadata": {"year": 1900, "my camera": "Leica"}},  # 6
    {"n": 2**53 + 1, "metadata": {"year": 1950.5}, "people": [{"name": "Ann"}]},  # 7
    {"n": 2**53, "metadata": {"year": "1950"}, "people": [{"name": "Bo"}, {"name": "Ann"}]},  # 8
    {"title": "Straße in Köln", "taken": "1954-03-01T14:00:00+01:00"},  # 9
]


@pytest.fixture
def filled(store: VectorStore, collection: str) -> str:
    store.insert(collection, [Point(IDS[n], payload) for n, payload in enumerate(PAYLOADS)])
    store.write_vectors(
        collection, [PointVectors(IDS[2], {"look": np.array([1, 0, 0, 0], np.float32)})]
    )
    return collection


def matches(store: VectorStore, collection: str, condition: Filter) -> list[int]:
    found, _ = store.scroll(collection, condition)
    assert store.count(collection, condition) == len(found)
    return [IDS.index(point.id) for point in found]


EXAMPLES: list[tuple[Filter, list[int]]] = [
    (Equals("n", 1), [0, 1, 4]),
    (Equals("n", 1.0), [0, 1, 4]),
    (Equals("n", "1"), [2]),
    (Equals("n", True), [3]),
    (Equals("n", False), []),
    (Equals("n", 2**53 + 1), [7]),
    (Equals("title", "a red barn"), []),
    (Equals("title", "red car"), [3]),
    (Equals("title", ""), [5]),
    (Equals('metadata."my camera"', "Leica"), [6]),
    (Equals("metadata.my camera", "Leica"), [6]),
    (Equals("people[].name", "Ann"), [7, 8]),
    (Equals("nowhere", "x"), []),
    (AnyOf("n", (True, 5, "1")), [2, 3, 4]),
    (AnyOf("title", ("redbarn", "red car")), [2, 3]),
    (Range("n", gt=1), [4, 7, 8]),
    (Range("n", gte=1, lt=5), [0, 1, 4]),
    (Range("metadata.year", lte=1950.5), [6, 7]),
    (Range("taken", gte="1954-03-01"), [4, 5, 9]),
    (Range("taken", gt="1954-03-01", lt="1954-03-01T13:00:00Z"), [5]),
    (Range("taken", gte="1954-03-01T14:00:00+01:00"), [9]),
    (Contains("title", "red barn"), [0, 1]),
    (Contains("title", "BARN"), [0, 1, 3]),
    (Contains("title", "bar"), []),
    (Contains("title", "barn-red!"), [0, 1]),
    (Contains("title", "STRASSE"), []),
    (Contains("title", "straße köln"), [9]),
    (Exists("n"), [0, 1, 2, 3, 4, 7, 8]),
    (Not(Exists("n")), [5, 6, 9]),
    (Not(Equals("n", 1)), [2, 3, 5, 6, 7, 8, 9]),
    (HasVector("look"), [2]),
    (Not(HasVector("bm25")), list(range(10))),
    (HasId(frozenset({IDS[8], IDS[0], IDS[50]})), [0, 8]),
    (HasId(frozenset()), []),
    (Not(HasId(frozenset())), list(range(10))),
    (All((Contains("title", "red"), Not(Equals("n", 1)))), [3]),
    (Any((Equals("n", "1"), All((Exists("people"), Range("n", gt=2**53 - 1))))), [2, 7, 8]),
]


def test_conditions_by_example(store: VectorStore, filled: str) -> None:
    for condition, expected in EXAMPLES:
        assert matches(store, filled, condition) == expected, condition


@pytest.mark.parametrize("type", [FieldType.KEYWORD, FieldType.TEXT])
def test_words_are_found_whatever_the_index(
    store: VectorStore, filled: str, type: FieldType
) -> None:
    store.index_field(filled, "title", type)
    store.index_field(filled, "title", type)
    assert matches(store, filled, Contains("title", "barn")) == [0, 1, 3]
    assert matches(store, filled, Contains("title", "köln STRAßE")) == [9]
    assert matches(store, filled, Contains("title", "bar")) == []
    assert matches(store, filled, Equals("title", "redbarn")) == [2]


def test_numbers_are_equal_under_a_number_index(store: VectorStore, filled: str) -> None:
    store.index_field(filled, "n", FieldType.NUMBER)
    assert matches(store, filled, Equals("n", 1)) == [0, 1, 4]
    assert matches(store, filled, Equals("n", "1")) == [2]
    assert matches(store, filled, Equals("n", 2**53 + 1)) == [7]
    assert matches(store, filled, Equals("n", True)) == [3]


def test_a_filter_sees_payload_that_changed(store: VectorStore, filled: str) -> None:
    store.set_payload(filled, {IDS[0]: {"status": "indexed"}, IDS[1]: {"title": None}})
    assert matches(store, filled, Equals("status", "indexed")) == [0]
    assert matches(store, filled, Contains("title", "red barn")) == [0]


MEANINGLESS: list[Filter] = [
    All(()),
    Any(()),
    Not(Any(())),
    AnyOf("n", ()),
    Range("n"),
    Range("n", gt=1, lt="1954-03-01"),
    Range("n", gt=float("nan")),
    Range("taken", gt="last spring"),
    Contains("title", " ?! "),
    Equals("n", float("inf")),
    Equals("", 1),
    Equals("a..b", 1),
    Equals("a[", 1),
    Equals("title", "\udc80"),
    HasVector("smell"),
    HasId(frozenset({"1"})),
]


def test_conditions_that_mean_nothing_are_refused(store: VectorStore, filled: str) -> None:
    for condition in MEANINGLESS:
        with pytest.raises(InvalidQuery):
            store.count(filled, condition)
