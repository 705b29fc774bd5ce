"""Metadata as the ledger can hold it: plain JSON values under keys that a filter can name."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, datetime

from indexer.domain import FieldType

MAX_DEPTH = 8
_INT64 = 2**63
_UNSAFE = re.compile(r"[^\w-]+")
_LONG = 80
"""Characters beyond which a text is indexed by its words rather than as one value."""


def clean(metadata: Mapping[str, object]) -> dict[str, object]:
    """The same facts as JSON values that every store accepts; empty values are left out.

    Keys keep letters, digits, `_` and `-`; anything else becomes `_`, so that `Date of birth` is
    filtered as `Date_of_birth`. Numbers beyond 64 bits and values nested too deep become text.
    """
    cleaned = {_key(key): _value(value, 1) for key, value in metadata.items()}
    return {key: value for key, value in cleaned.items() if key and not _empty(value)}


def field_types(metadata: Mapping[str, object], prefix: str = "") -> dict[str, FieldType]:
    """How each field should be indexed, judged by its value; nested keys are joined by dots."""
    types: dict[str, FieldType] = {}
    for key, value in metadata.items():
        if isinstance(value, Mapping):
            types.update(field_types(value, f"{prefix}{key}."))
        elif (type := _field_type(value)) is not None:
            types[f"{prefix}{key}"] = type
    return types


def _field_type(value: object) -> FieldType | None:
    if isinstance(value, list):
        return _field_type(value[0]) if value else None
    if isinstance(value, bool):
        return FieldType.BOOL
    if isinstance(value, int | float):
        return FieldType.NUMBER
    if not isinstance(value, str):
        return None
    if _is_date(value):
        return FieldType.DATETIME
    return FieldType.TEXT if len(value) > _LONG else FieldType.KEYWORD


def _is_date(text: str) -> bool:
    if len(text) < len("2001-01-01") or text[4:5] != "-":
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _key(key: object) -> str:
    return _UNSAFE.sub("_", _printable(str(key)).strip()).strip("_")


def _value(value: object, depth: int) -> object:
    if depth > MAX_DEPTH:
        return _printable(str(value))
    if isinstance(value, str):
        return _printable(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if -_INT64 <= value < _INT64 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        nested = {_key(key): _value(inner, depth + 1) for key, inner in value.items()}
        return {key: inner for key, inner in nested.items() if key and not _empty(inner)}
    if isinstance(value, list | tuple | set | frozenset):
        listed = [_value(inner, depth + 1) for inner in value]
        return [inner for inner in listed if not _empty(inner)]
    return _printable(str(value))


def _printable(text: str) -> str:
    # Lone surrogates come from file names that are not UTF-8; no store takes them.
    return text.encode("utf-8", "replace").decode("utf-8")


def _empty(value: object) -> bool:
    return value is None or value == "" or value == [] or value == {}
