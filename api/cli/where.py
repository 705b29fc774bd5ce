"""`--where` conditions: a short text such as `year>=1900` becomes a filter of the API.

    label=cat        equals                 label=cat|dog   is one of
    label!=cat       differs                year>=1900      also >, <, <= (numbers and dates)
    title~red barn   contains both words    caption?        has a value; !caption? has none

Dates may be a day or a month (2024-05): `<=2024-05` includes all of May. Quotes keep a value
text: `code="007"`. Several conditions must all hold.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from indexer.errors import InvalidQuery

Filter = dict[str, object]
"""The API's filter JSON."""

Value = str | int | float | bool

_CONDITION = re.compile(r"(?P<field>[^=!<>~?]+)(?P<sign>!=|>=|<=|==|=|>|<|~)(?P<value>.*)", re.S)
_EXISTS = re.compile(r"(?P<no>!?)(?P<field>[^=!<>~?]+)\?")
_INTEGER = re.compile(r"[+-]?(0|[1-9]\d{0,17})")
_DECIMAL = re.compile(
    r"[+-]?(?!0\d)(\d{1,99}\.\d{0,99}|\.\d{1,99}|\d{1,99}(?=[eE]))([eE][+-]?\d{1,2})?"
)
_DAY = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_DATE_FIELDS = ("added_at", "indexed_at")
_RANGES = {">=": "gte", "<=": "lte", ">": "gt", "<": "lt"}


def parse_where(pieces: Sequence[str]) -> Filter | None:
    """The filter that all pieces together mean; None if there are none.

    Raises `InvalidQuery`, naming the piece that is wrong.
    """
    conditions = [_condition(piece) for piece in pieces]
    if len(conditions) <= 1:
        return conditions[0] if conditions else None
    return {"and": conditions}


def _condition(piece: str) -> Filter:
    text = piece.strip()
    if exists := _EXISTS.fullmatch(text):
        return {"field": exists["field"].strip(), "exists": not exists["no"]}
    match = _CONDITION.fullmatch(text)
    if match is None or not match["field"].strip():
        raise _wrong(piece, "it needs a field and a sign: year>=1900, label=cat or caption?")
    field, sign, value = match["field"].strip(), match["sign"], match["value"].strip()
    if not value:
        raise _wrong(piece, f"there is no value after {sign} (to ask for any value: {field}?)")
    if sign in _RANGES:
        return {"field": field, **_range(piece, field, sign, value)}
    if sign == "~":
        return {"field": field, "contains": _unquoted(value)}
    same = _same(piece, field, value)
    return {"not": same} if sign == "!=" else same


def _same(piece: str, field: str, value: str) -> Filter:
    parts = [value] if _is_quoted(value) else [part.strip() for part in value.split("|")]
    if not all(parts):
        raise _wrong(piece, "a value beside | is empty")
    if field in _DATE_FIELDS and len(parts) == 1 and _DAY.fullmatch(value):
        # A moment never equals a day; what is meant is within that day.
        start, end = _period(piece, value)
        return {"field": field, "gte": start, "lt": end}
    values = [_value(part) for part in parts]
    if len(values) == 1:
        return {"field": field, "equals": values[0]}
    return {"field": field, "any_of": values}


def _range(piece: str, field: str, sign: str, text: str) -> Filter:
    value = _value(text)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and field not in _DATE_FIELDS:
        return {_RANGES[sign]: value}
    if _DAY.fullmatch(text):
        start, end = _period(piece, text)
        bounds: dict[str, Filter] = {
            ">=": {"gte": start},
            "<": {"lt": start},
            "<=": {"lt": end},
            ">": {"gte": end},
        }
        return bounds[sign]
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise _wrong(
            piece, f"{text!r} is neither a number nor a date (2024-05-31), so {sign} has no meaning"
        ) from None
    return {_RANGES[sign]: text}


def _period(piece: str, text: str) -> tuple[str, str]:
    """First day of a year, month or day, and the day after its last."""
    numbers = [int(part) for part in text.split("-")]
    try:
        first = date(*[*numbers, 1, 1][:3])
        if len(numbers) == 1:
            after = date(first.year + 1, 1, 1)
        elif len(numbers) == 2:
            after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        else:
            after = first + timedelta(days=1)
    except (ValueError, OverflowError):
        raise _wrong(piece, f"there is no date {text}") from None
    return first.isoformat(), after.isoformat()


def _value(text: str) -> Value:
    if _is_quoted(text):
        return _unquoted(text)
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    # 007 and numbers of twenty digits are names of things, not amounts: they stay text.
    return float(text) if _DECIMAL.fullmatch(text) else text


def _is_quoted(text: str) -> bool:
    return len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'"


def _unquoted(text: str) -> str:
    return text[1:-1] if _is_quoted(text) else text


def _wrong(piece: str, why: str) -> InvalidQuery:
    return InvalidQuery(f"--where {piece!r}: {why}.", where=piece)
