"""Foreign values as the JSON that a payload may hold."""

from __future__ import annotations

import datetime
import decimal
import math
from collections.abc import Mapping, Sequence

from indexer.charsets import without_surrogates

_LARGEST = 2**63 - 1
_DEEPEST = 8
_LONGEST_NUMBERS = 64
"""Longer lists of numbers are vectors or signals, not metadata; they are left out."""


def json_value(value: object, depth: int = 0) -> object:
    """The value as JSON; None for what has no place in metadata (bytes, NaN, vectors, the depths).

    Integers beyond 64 bits become text, dates ISO 8601, decimals floats.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return without_surrogates(value)
    if isinstance(value, int):
        return int(value) if abs(value) <= _LARGEST else str(value)
    if isinstance(value, float | decimal.Decimal):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if depth >= _DEEPEST:
        return None
    if isinstance(value, Mapping):
        return metadata(value, depth + 1)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return _json_list(value, depth + 1)
    return None


def metadata(values: Mapping[object, object], depth: int = 0) -> dict[str, object]:
    """The entries that have a JSON value; empty texts and nulls are left out."""
    found = {without_surrogates(str(k)): json_value(v, depth) for k, v in values.items()}
    return {key: value for key, value in found.items() if key and value not in (None, "", {}, [])}


def _json_list(values: Sequence[object], depth: int) -> list[object] | None:
    if len(values) > _LONGEST_NUMBERS and all(isinstance(v, int | float) for v in values):
        return None
    return [json_value(value, depth) for value in values]
