"""Any filter finds in every store what reading the payloads one by one finds."""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.domain import FieldType, Point
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
from indexer.stores.edge import EdgeStore
from indexer.stores.qdrant import connect
from tests.contract.conftest import SPACES

IDS = [str(uuid.UUID(int=n)) for n in range(1, 61)]
_rng = random.Random(11)
WORDS = ["red", "barn", "Old", "sea", "boat", "naïve"]


def _random_payload() -> dict[str, object]:
    """Fields that hold what their index is for; some missing, null, empty or lists."""
    every: dict[str, object] = {
        "year": _rng.choice([1900, 1900.0, 1900.5, 1950, [1900, 1950], None, -3]),
        "title": " ".join(_rng.choices(WORDS, k=_rng.randint(0, 4))),
        "text": ", ".join(_rng.choices(WORDS, k=3)),
        "tags": _rng.choice(["red", ["red", "sea"], [], None, ["boat"], [None]]),
        "flag": _rng.choice([True, False, None, [True, False]]),
        "taken": _rng.choice(["1954-03-01", "1954-03-01T23:30:00-01:00", "1960-01-01T00:00:00Z"]),
        "meta": _rng.choice([{"maker": {"name": "Leica"}}, {"maker": "Leica"}, {}, None]),
    }
    return {name: value for name, value in every.items() if _rng.random() < 0.8}


RANDOM_PAYLOADS = {id: _random_payload() for id in IDS}
_years = st.sampled_from([1900, 1900.0, 1900.5, 1950, -3, 7])
_dates = st.sampled_from(["1960-01-01T01:00:00+01:00", "1954-03-01", "1954-03-02T00:30:00Z"])
_bounds = st.sampled_from(["gt", "gte", "lt", "lte"])
_fields = st.sampled_from(["year", "title", "tags", "flag", "taken", "meta", "meta.maker.name"])
_leaves: st.SearchStrategy[Filter] = st.one_of(
    st.builds(Equals, st.just("year"), _years),
    st.builds(Equals, st.just("tags"), st.sampled_from(["red", "sea", "x"])),
    st.builds(Equals, st.just("flag"), st.booleans()),
    st.builds(Equals, st.just("meta.maker.name"), st.just("Leica")),
    st.builds(AnyOf, st.just("year"), st.lists(_years, min_size=1, max_size=3).map(tuple)),
    st.builds(AnyOf, st.just("tags"), st.just(("red", "boat"))),
    st.builds(
        Contains,
        st.sampled_from(["title", "text"]),
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).map(" ".join),
    ),
    st.builds(lambda name, value: Range("year", **{name: value}), _bounds, _years),
    st.builds(lambda name, value: Range("taken", **{name: value}), _bounds, _dates),
    st.builds(Exists, _fields),
    st.builds(HasId, st.frozensets(st.sampled_from(IDS), max_size=30)),
)
_filters: st.SearchStrategy[Filter] = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(All, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Any, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def random_stores(fast_folder: Path) -> Iterator[list[VectorStore]]:
    stores: list[VectorStore] = [
        EdgeStore(fast_folder / "random"),
        connect(":memory:"),
    ]
    for store in stores:
        store.create_collection("random", SPACES)
        store.index_field("random", "year", FieldType.NUMBER)
        store.index_field("random", "tags", FieldType.KEYWORD)
        store.index_field("random", "taken", FieldType.DATETIME)
        store.insert("random", [Point(id, RANDOM_PAYLOADS[id]) for id in IDS])
    yield stores
    for store in stores:
        store.close()


@given(condition=_filters)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_any_filter_finds_what_reading_the_payload_finds(
    random_stores: list[VectorStore], condition: Filter
) -> None:
    expected = [id for id in IDS if holds(condition, id, RANDOM_PAYLOADS[id])]
    for store in random_stores:
        found, _ = store.scroll("random", condition)
        assert [point.id for point in found] == expected


def holds(condition: Filter, id: str, payload: Mapping[str, object]) -> bool:
    """The filter by its definition, in plain Python."""
    match condition:
        case All(conditions):
            return all(holds(inner, id, payload) for inner in conditions)
        case Any(conditions):
            return any(holds(inner, id, payload) for inner in conditions)
        case Not(inner):
            return not holds(inner, id, payload)
        case HasId(ids):
            return id in ids
        case HasVector():
            return False
        case Exists(field):
            value = _at(payload, field)
            return value is not None and value != []
    value = _at(payload, condition.field)
    return any(_fulfils(condition, one) for one in (value if isinstance(value, list) else [value]))


def _at(payload: object, field: str) -> object:
    for key in field.split("."):
        payload = payload.get(key) if isinstance(payload, dict) else None
    return payload


def _fulfils(condition: Equals | AnyOf | Range | Contains, value: object) -> bool:
    match condition:
        case Equals(_, wanted):
            return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)
        case AnyOf(field, values):
            return any(_fulfils(Equals(field, wanted), value) for wanted in values)
        case Contains(_, text):
            return isinstance(value, str) and _words(text) <= _words(value)
    bounds = {"gt": condition.gt, "gte": condition.gte, "lt": condition.lt, "lte": condition.lte}
    ((name, bound),) = [(k, _comparable(v)) for k, v in bounds.items() if v is not None]
    number = _comparable(value)
    if number is None or bound is None or isinstance(bound, str) != isinstance(number, str):
        return False
    return {
        "gt": number > bound,
        "gte": number >= bound,
        "lt": number < bound,
        "lte": number <= bound,
    }[name]


def _comparable(value: object) -> float | None:
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return float(value) if isinstance(value, int | float) and value is not True else None


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", text.lower()))
