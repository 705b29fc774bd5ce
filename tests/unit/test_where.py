"""`--where` texts and the filters they mean."""

from __future__ import annotations

import pytest

from api.cli.where import parse_where
from indexer.errors import InvalidQuery
from indexer.filter_json import parse_filter


@pytest.mark.parametrize(
    ("piece", "filter"),
    [
        ("label=cat", {"field": "label", "equals": "cat"}),
        ("label==cat", {"field": "label", "equals": "cat"}),
        (" label = red cat ", {"field": "label", "equals": "red cat"}),
        ("label!=cat", {"not": {"field": "label", "equals": "cat"}}),
        ("label=cat|dog", {"field": "label", "any_of": ["cat", "dog"]}),
        ("year=1900 | 1901", {"field": "year", "any_of": [1900, 1901]}),
        ("label!=cat|dog", {"not": {"field": "label", "any_of": ["cat", "dog"]}}),
        ("year>=1900", {"field": "year", "gte": 1900}),
        ("year<1900", {"field": "year", "lt": 1900}),
        ("size>1.5", {"field": "size", "gt": 1.5}),
        ("size<=.5", {"field": "size", "lte": 0.5}),
        ("height>-3e2", {"field": "height", "gt": -300.0}),
        ("zero=0.0", {"field": "zero", "equals": 0.0}),
        ("public=true", {"field": "public", "equals": True}),
        ("public=False", {"field": "public", "equals": False}),
        ("code=007", {"field": "code", "equals": "007"}),
        ('code="7"', {"field": "code", "equals": "7"}),
        ("name='a|b'", {"field": "name", "equals": "a|b"}),
        ("isbn=12345678901234567890", {"field": "isbn", "equals": "12345678901234567890"}),
        ("title~red barn", {"field": "title", "contains": "red barn"}),
        ("caption?", {"field": "caption", "exists": True}),
        ("!caption?", {"field": "caption", "exists": False}),
        ("url=http://a/?q=1", {"field": "url", "equals": "http://a/?q=1"}),
        ("camera.model=X100", {"field": "camera.model", "equals": "X100"}),
        ("date taken=2020-01-02", {"field": "date taken", "equals": "2020-01-02"}),
    ],
)
def test_one_condition(piece: str, filter: dict[str, object]) -> None:
    assert parse_where([piece]) == filter
    parse_filter(filter)  # the API takes it


@pytest.mark.parametrize(
    ("piece", "bounds"),
    [
        ("day>=2024-05-31", {"gte": "2024-05-31"}),
        ("day<2024-05-31", {"lt": "2024-05-31"}),
        # a day is meant with all its hours
        ("day<=2024-05-31", {"lt": "2024-06-01"}),
        ("day>2024-05-31", {"gte": "2024-06-01"}),
        ("day<=2024-05", {"lt": "2024-06-01"}),
        ("day>2024-12", {"gte": "2025-01-01"}),
        ("day<2024-05-31T12:00:00", {"lt": "2024-05-31T12:00:00"}),
        ("added_at>=2024", {"gte": "2024-01-01"}),
        ("added_at<=2024", {"lt": "2025-01-01"}),
        ("added_at=2024-02-29", {"gte": "2024-02-29", "lt": "2024-03-01"}),
    ],
)
def test_dates(piece: str, bounds: dict[str, str]) -> None:
    field = piece.split(">")[0].split("<")[0].split("=")[0]
    assert parse_where([piece]) == {"field": field, **bounds}


def test_several_must_all_hold() -> None:
    assert parse_where(["a=1", "b?"]) == {
        "and": [{"field": "a", "equals": 1}, {"field": "b", "exists": True}]
    }


def test_none_is_no_filter() -> None:
    assert parse_where([]) is None


@pytest.mark.parametrize(
    ("piece", "why"),
    [
        ("cat", "needs a field and a sign"),
        ("", "needs a field and a sign"),
        ("=cat", "needs a field and a sign"),
        ("label=", "no value after ="),
        ("label=cat|", "beside |"),
        ("year>=old", "neither a number nor a date"),
        ("year>=1|2", "neither a number nor a date"),
        ("day>=2024-13", "there is no date 2024-13"),
        ("day>=2023-02-29", "there is no date 2023-02-29"),
        ("day>9999-12-31", "there is no date"),
    ],
)
def test_what_is_wrong_is_named(piece: str, why: str) -> None:
    with pytest.raises(InvalidQuery) as raised:
        parse_where(["label=ok", piece])
    assert repr(piece) in raised.value.message
    assert why in raised.value.message
