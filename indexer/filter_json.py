"""Filters as JSON, read into the engine's conditions; every mistake names its place."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from indexer.errors import InvalidQuery
from indexer.filters import All, Any, AnyOf, Contains, Equals, Exists, Filter, Not, Range, all_of
from indexer.metadata import clean

OWN_FIELDS = frozenset(
    {
        "kind", "status", "text", "media_type", "width", "height", "bytes", "page", "added_at",
        "indexed_at", "sha256", "job",
    }
)  # fmt: skip
"""The asset's own fields; any other name means metadata."""

_BOUNDS = ("gt", "gte", "lt", "lte")
_OPERATORS = {"equals", "any_of", "contains", "exists", *_BOUNDS}
_MAX_DEPTH = 16
_MAX_CONDITIONS = 1000
_INT64 = 2**63


def parse_filter(raw: object) -> Filter:
    """The filter that the JSON value describes. Raises `InvalidQuery`."""
    return _condition(raw, "filter", 1)


def parse_filter_text(text: str | None) -> Filter | None:
    """The filter in a URL's parameter; None if there is none. Raises `InvalidQuery`."""
    if text is None or not text.strip():
        return None
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidQuery(
            f'The filter is not JSON: {error}. Write it like {{"field": "year", "gte": 1900}}.',
            field="filter",
        ) from error
    return parse_filter(raw)


def payload_field(name: str) -> str:
    """Where in the ledger a field is: the asset's own, its path, or its metadata.

    Names of metadata are written as `indexer.metadata` keeps them: `Date of birth` is
    `metadata.Date_of_birth`.
    """
    if name in OWN_FIELDS:
        return name
    if name == "path":
        return "sources[].path"
    inner = name.removeprefix("metadata.")
    keys = [next(iter(clean({step: True})), "") for step in inner.split(".")]
    if not all(keys):
        raise InvalidQuery(
            f"{name!r} names no field. Write the name of a metadata field, or one of the asset's "
            f"own: {', '.join(sorted(OWN_FIELDS | {'path'}))}.",
            field=name,
        )
    return ".".join(["metadata", *keys])


def _condition(raw: object, place: str, depth: int) -> Filter:
    if depth > _MAX_DEPTH:
        raise _wrong(place, f"conditions lie within each other deeper than {_MAX_DEPTH}")
    if not isinstance(raw, Mapping):
        raise _wrong(place, "a condition is an object")
    if "field" in raw:
        return _on_field(raw, place)
    if len(raw) != 1:
        raise _wrong(place, "it needs `field`, or exactly one of `and`, `or`, `not`")
    ((word, inner),) = raw.items()
    if word == "not":
        return Not(_condition(inner, f"{place}.not", depth + 1))
    if word not in ("and", "or"):
        raise _wrong(place, f"{word!r} is none of field, and, or, not")
    conditions = tuple(
        _condition(one, f"{place}.{word}[{number}]", depth + 1)
        for number, one in enumerate(_listed(inner, f"{place}.{word}"))
    )
    return All(conditions) if word == "and" else Any(conditions)


def _on_field(raw: Mapping[str, object], place: str) -> Filter:
    name = raw["field"]
    if not isinstance(name, str):
        raise _wrong(f"{place}.field", "a field's name is a text")
    field = payload_field(name)
    unknown = sorted(set(raw) - _OPERATORS - {"field"})
    if unknown:
        raise _wrong(place, f"{unknown[0]!r} is none of {', '.join(sorted(_OPERATORS))}")
    conditions = [_made(field, word, raw[word], f"{place}.{word}") for word in raw if word in _OWN]
    bounds = {
        word: _bound(raw[word], f"{place}.{word}") for word in _BOUNDS if raw.get(word) is not None
    }
    if bounds:
        if len({isinstance(bound, str) for bound in bounds.values()}) > 1:
            raise _wrong(place, "bounds are all numbers or all dates")
        conditions.append(Range(field, **bounds))
    made = all_of(*conditions)
    if made is None:
        raise _wrong(place, f"it says nothing of {name!r}: add one of {sorted(_OPERATORS)}")
    return made


_OWN = ("equals", "any_of", "contains", "exists")


def _made(field: str, word: str, value: object, place: str) -> Filter:
    if word == "equals":
        return Equals(field, _scalar(value, place))
    if word == "any_of":
        values = [_scalar(one, f"{place}[{n}]") for n, one in enumerate(_listed(value, place))]
        return AnyOf(field, tuple(values))
    if word == "contains":
        if not isinstance(value, str) or not value.strip():
            raise _wrong(place, "it takes words")
        return Contains(field, _text(value, place))
    if not isinstance(value, bool):
        raise _wrong(place, "it takes true or false")
    return Exists(field) if value else Not(Exists(field))


def _scalar(value: object, place: str) -> str | int | float | bool:
    if isinstance(value, str):
        return _text(value, place)
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _number(value, place)
    raise _wrong(place, "it takes a text, a number, true or false")


def _bound(value: object, place: str) -> float | str:
    if isinstance(value, str):
        try:
            datetime.fromisoformat(value)
        except ValueError as error:
            raise _wrong(place, f"{value!r} is neither a number nor an ISO date") from error
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value, place)
    raise _wrong(place, "it takes a number or an ISO date")


def _number(value: int | float, place: str) -> int | float:
    if not math.isfinite(value) or abs(value) >= _INT64:
        raise _wrong(place, "a number is finite and fits into 64 bits")
    return value


def _text(value: str, place: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _wrong(place, "the text holds half a character (a lone surrogate)") from error
    return value


def _listed(value: object, place: str) -> Sequence[object]:
    if not isinstance(value, list) or not 1 <= len(value) <= _MAX_CONDITIONS:
        raise _wrong(place, f"it takes a list of 1 to {_MAX_CONDITIONS}")
    return value


def _wrong(place: str, why: str) -> InvalidQuery:
    return InvalidQuery(f"{place}: {why}.", field=place)
