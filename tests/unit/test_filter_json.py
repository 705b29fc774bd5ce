"""Filters as JSON become the engine's conditions, and mistakes name their place."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import InvalidQuery
from indexer.filter_json import parse_filter, parse_filter_text, payload_field
from indexer.filters import All, Any, AnyOf, Contains, Equals, Exists, Filter, Not, Range


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"field": "year", "equals": 1900}, Equals("metadata.year", 1900)),
        ({"field": "metadata.year", "equals": 1900}, Equals("metadata.year", 1900)),
        ({"field": "kind", "equals": "image"}, Equals("kind", "image")),
        ({"field": "path", "contains": "harbour"}, Contains("sources[].path", "harbour")),
        ({"field": "label", "any_of": ["cat", "dog"]}, AnyOf("metadata.label", ("cat", "dog"))),
        ({"field": "year", "gte": 1900, "lt": 1950}, Range("metadata.year", gte=1900, lt=1950)),
        ({"field": "added_at", "gt": "2024-05-01"}, Range("added_at", gt="2024-05-01")),
        ({"field": "Date of birth", "exists": True}, Exists("metadata.Date_of_birth")),
        ({"field": "draft", "exists": False}, Not(Exists("metadata.draft"))),
        ({"not": {"field": "draft", "equals": True}}, Not(Equals("metadata.draft", True))),
        (
            {"or": [{"field": "a", "equals": 1}, {"field": "b", "equals": 2}]},
            Any((Equals("metadata.a", 1), Equals("metadata.b", 2))),
        ),
        (
            {"field": "text", "contains": "barn", "exists": True},
            All((Contains("text", "barn"), Exists("text"))),
        ),
    ],
)
def test_each_condition_has_its_meaning(raw: object, expected: Filter) -> None:
    assert parse_filter(raw) == expected


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        ([], "filter"),
        ({}, "filter"),
        ({"field": 3, "equals": 1}, "filter.field"),
        ({"field": "year"}, "filter"),
        ({"field": "year", "is": 1}, "filter"),
        ({"field": "year", "equals": None}, "filter.equals"),
        ({"field": "year", "equals": [1]}, "filter.equals"),
        ({"field": "year", "equals": 2**63}, "filter.equals"),
        ({"field": "year", "gte": "yesterday"}, "filter.gte"),
        ({"field": "year", "gte": 1900, "lt": "1950-01-01"}, "filter"),
        ({"field": "year", "gte": True}, "filter.gte"),
        ({"field": "year", "any_of": []}, "filter.any_of"),
        ({"field": "year", "exists": "yes"}, "filter.exists"),
        ({"field": "text", "contains": "  "}, "filter.contains"),
        ({"field": "text", "equals": "\ud800"}, "filter.equals"),
        ({"and": []}, "filter.and"),
        ({"and": {"field": "a", "equals": 1}}, "filter.and"),
        ({"and": [{"field": "a", "equals": 1}, {"field": "b", "gt": "x"}]}, "filter.and[1].gt"),
        ({"nor": []}, "filter"),
        ({"and": [], "or": []}, "filter"),
    ],
)
def test_a_mistake_names_its_place(raw: object, place: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        parse_filter(raw)
    assert caught.value.details["field"] == place


def test_conditions_too_deep_are_refused() -> None:
    raw: object = {"field": "a", "equals": 1}
    for _ in range(20):
        raw = {"not": raw}
    with pytest.raises(InvalidQuery, match="deeper than 16"):
        parse_filter(raw)


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "nan?"])
def test_a_parameter_that_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(InvalidQuery, match="not JSON"):
        parse_filter_text(text)


def test_no_parameter_is_no_filter() -> None:
    assert parse_filter_text(None) is None
    assert parse_filter_text(" ") is None


@pytest.mark.parametrize("name", ["", "metadata.", "a..b", '"', "…"])
def test_names_of_no_field_are_refused(name: str) -> None:
    with pytest.raises(InvalidQuery):
        payload_field(name)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["field", "and", "or", "not", "equals", "gt", "lte", "any_of", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_a_filter_or_an_error_of_ours(raw: object) -> None:
    with contextlib.suppress(InvalidQuery):
        parse_filter(json.loads(json.dumps(raw)))
