"""Facets by reading every point: exact for any field, where the engine has no index that serves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from indexer.domain import FieldType, StoredPoint
from indexer.stores.fields import FieldPath

FACETED_BY_ENGINE = frozenset({FieldType.KEYWORD, FieldType.BOOL})
"""Index types from which both engines count values themselves, leaving out those of other types."""


class ValueCounts:
    """How many points have each value of a field; a point counts once for each of its values."""

    def __init__(self, pages: Iterable[Sequence[StoredPoint]], path: FieldPath) -> None:
        self._counts: Counter[str] = Counter()
        self._types: set[type] = set()
        for page in pages:
            for point in page:
                values = [v for v in path.values(point.payload) if _is_scalar(v)]
                self._types.update(type(v) for v in values)
                self._counts.update({value_as_text(v) for v in values})

    def most_frequent(self, limit: int) -> dict[str, int]:
        """The counts, highest first, ties by value."""
        return most_frequent(self._counts, limit)

    @property
    def index_type(self) -> FieldType | None:
        """The index from which the engine would give the same counts, if there is one."""
        if self._types == {str}:
            return FieldType.KEYWORD
        return FieldType.BOOL if self._types == {bool} else None


def most_frequent(counts: dict[str, int], limit: int) -> dict[str, int]:
    """The `limit` highest counts, highest first, ties by value.

    Engines still list a value that the last point has lost, with none.
    """
    there = [(value, count) for value, count in counts.items() if count]
    ordered = sorted(there, key=lambda pair: (-pair[1], pair[0]))
    return dict(ordered[:limit])


def value_as_text(value: object) -> str:
    """A payload value as facets name it: true and false, and whole numbers without `.0`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | bool | int | float)
