"""Conditions over payload fields, as data. Each store translates them; all stores agree.

`field` is a payload path: `kind`, `status`, `metadata.year`, `metadata.camera.model`. A condition
on a list holds if any of its values fulfils it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Equals:
    """The field has this value; numbers compare as numbers (1 equals 1.0)."""

    field: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The field has one of these values."""

    field: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """The field's number, or date (ISO 8601 text bounds), lies within the bounds that are given."""

    field: str
    gt: float | str | None = None
    gte: float | str | None = None
    lt: float | str | None = None
    lte: float | str | None = None


@dataclass(frozen=True, slots=True)
class Contains:
    """The field's text contains every word given, in any order, whatever the case."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Exists:
    """The field is there and is neither null nor an empty list."""

    field: str


@dataclass(frozen=True, slots=True)
class HasVector:
    """The point has a vector in this Space."""

    space: str


@dataclass(frozen=True, slots=True)
class HasId:
    """The point is one of these."""

    ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class All:
    """Every condition holds."""

    conditions: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """At least one condition holds."""

    conditions: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold (a missing field counts as not holding)."""

    condition: Filter


Filter = Equals | AnyOf | Range | Contains | Exists | HasVector | HasId | All | Any | Not


def all_of(*conditions: Filter | None) -> Filter | None:
    """The conjunction of those conditions that are given; None if there are none."""
    given = tuple(condition for condition in conditions if condition is not None)
    if len(given) <= 1:
        return given[0] if given else None
    return All(given)


def walk(condition: Filter) -> Iterator[Filter]:
    """The condition and all conditions inside it."""
    yield condition
    if isinstance(condition, All | Any):
        for inner in condition.conditions:
            yield from walk(inner)
    elif isinstance(condition, Not):
        yield from walk(condition.condition)
