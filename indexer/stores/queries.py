"""What both stores refuse of a question, and the few forms of condition they have to translate."""

from __future__ import annotations

import math
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from indexer.domain import SPARSE, NearestQuery, SparseVector
from indexer.errors import InvalidInput, InvalidQuery, SpaceMismatch
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
    Scalar,
)
from indexer.stores.fields import parse_field
from indexer.stores.payloads import check_text
from indexer.stores.validation import (
    MAX_INTEGER,
    check_ids,
    check_space,
    check_sparse,
    check_vector,
)

MAX_LIMIT = 100_000
_MAX_FILTER_DEPTH = 20
_MAX_FLOAT_INTEGER = 2**53
_WORD = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True)
class CheckedQuery:
    """A NearestQuery that an engine may have; the filter is in simple form."""

    space: str
    vector: NDArray[np.float32] | SparseVector
    limit: int
    offset: int
    filter: Filter | None
    min_score: float | None
    spaces: list[str]
    payload: bool


def check_query(query: NearestQuery, dimensions: Mapping[str, int]) -> CheckedQuery:
    """The query, ready for an engine; raises `InvalidQuery` naming what is wrong with it."""
    try:
        vector = _query_vector(query, dimensions)
        spaces = [check_space(space, dimensions, "The query") for space in query.spaces]
    except (InvalidInput, SpaceMismatch) as error:
        raise InvalidQuery(error.message, **error.details) from error
    if query.min_score is not None and not math.isfinite(query.min_score):
        raise InvalidQuery(f"min_score is {query.min_score}; give a finite number or none.")
    if isinstance(query.offset, bool) or not 0 <= query.offset <= MAX_LIMIT:
        raise InvalidQuery(f"offset is {query.offset}; give 0 to {MAX_LIMIT}.")
    return CheckedQuery(
        space=query.space,
        vector=vector,
        limit=check_limit(query.limit),
        offset=query.offset,
        filter=check_filter(query.filter, dimensions),
        min_score=query.min_score,
        spaces=spaces,
        payload=query.payload,
    )


def _query_vector(
    query: NearestQuery, dimensions: Mapping[str, int]
) -> NDArray[np.float32] | SparseVector:
    if (query.space == SPARSE) != isinstance(query.vector, SparseVector):
        raise InvalidQuery(
            f"The query asks in {query.space!r} with a {type(query.vector).__name__}. Search "
            f"{SPARSE!r} with a SparseVector and any other Space with a dense vector."
        )
    if isinstance(query.vector, SparseVector):
        return check_sparse(query.vector, "The query")
    return check_vector(query.vector, query.space, dimensions, "The query")


def check_limit(limit: int) -> int:
    """A page size that can be answered."""
    if isinstance(limit, bool) or not 1 <= limit <= MAX_LIMIT:
        raise InvalidQuery(f"limit is {limit}; give 1 to {MAX_LIMIT}.", limit=limit)
    return limit


def check_filter(condition: Filter | None, dimensions: Mapping[str, int]) -> Filter | None:
    """The filter in simple form: engines then see these conditions only.

    Equals with text, bool, or a whole number that a float cannot hold; AnyOf with text; Range
    with float or UTC date bounds; all others as they are. Raises `InvalidQuery`.

    Words, for Contains, are runs of letters and digits, compared whole and in lower case:
    "red barn" finds "Barn, painted RED" and not "redbarn"; accents count. In a list all words
    must be in one value, save under a TEXT index, which joins the values. An index serves its
    own type: under a NUMBER index a range of dates finds nothing, and the other way round.
    """
    if condition is None:
        return None
    try:
        return _simple(condition, dimensions, 1)
    except InvalidQuery:
        raise
    except InvalidInput as error:
        raise InvalidQuery(error.message, **error.details) from error


def _simple(condition: Filter, dimensions: Mapping[str, int], depth: int) -> Filter:
    if depth > _MAX_FILTER_DEPTH:
        raise InvalidQuery(f"The filter is nested over {_MAX_FILTER_DEPTH} deep; flatten it.")
    match condition:
        case All(conditions) | Any(conditions):
            if not conditions:
                # engines take an empty group as "everything", which a delete must never be
                raise InvalidQuery("A filter group is empty; name a condition or leave it out.")
            simple = tuple(_simple(inner, dimensions, depth + 1) for inner in conditions)
            return type(condition)(simple)
        case Not(inner):
            return Not(_simple(inner, dimensions, depth + 1))
        case HasVector(space):
            check_space(space, {**dimensions, SPARSE: 0}, "The filter")
            return condition
        case HasId(ids):
            check_ids(list(ids))
            return condition
    return _simple_field(condition)


def _simple_field(condition: Equals | AnyOf | Range | Contains | Exists) -> Filter:
    parse_field(condition.field)
    match condition:
        case Equals(field, value):
            return _simple_equals(field, value)
        case AnyOf(field, values):
            return _simple_any_of(field, values)
        case Range():
            return _simple_range(condition)
        case Contains(field, text):
            if not _WORD.search(check_text(text, f"The words for {field!r}")):
                raise InvalidQuery(f"{text!r} holds no word to find in {field!r}; give one.")
    return condition


def _simple_equals(field: str, value: Scalar) -> Filter:
    if isinstance(value, str):
        return Equals(field, check_text(value, f"The value for {field!r}"))
    if isinstance(value, bool):
        return Equals(field, value)
    number = _number(field, value)
    if isinstance(value, int) and abs(value) > _MAX_FLOAT_INTEGER:
        return Equals(field, value)  # as a float it would equal its neighbours too
    return Range(field, gte=number, lte=number)  # engines match whole numbers with 1, not 1.0


def _simple_any_of(field: str, values: tuple[Scalar, ...]) -> Filter:
    if not values:
        raise InvalidQuery(f"The filter lists no value for {field!r}; give one or leave it out.")
    texts = tuple(value for value in values if isinstance(value, str))
    others = tuple(_simple_equals(field, v) for v in values if not isinstance(v, str))
    for text in texts:
        check_text(text, f"The value for {field!r}")
    if not texts:
        return Any(others)
    return Any((AnyOf(field, texts), *others)) if others else AnyOf(field, texts)


def _simple_range(condition: Range) -> Range:
    bounds = {
        name: bound
        for name in ("gt", "gte", "lt", "lte")
        if (bound := getattr(condition, name)) is not None
    }
    dates = {isinstance(bound, str) for bound in bounds.values()}
    if len(dates) != 1:
        raise InvalidQuery(
            f"The range for {condition.field!r} needs a bound, and all bounds must be numbers "
            "or all dates."
        )
    normal: Callable[[str, typing.Any], float | str] = _utc if dates == {True} else _number
    normalised = {name: normal(condition.field, bound) for name, bound in bounds.items()}
    return Range(condition.field, **typing.cast(dict[str, typing.Any], normalised))


def _number(field: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidQuery(f"{value!r} for {field!r} is not a number; give one.")
    if isinstance(value, int) and not -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
        raise InvalidQuery(f"{value} for {field!r} is over 64 bits; give a smaller number.")
    if not math.isfinite(value):
        raise InvalidQuery(f"{value} for {field!r} is not finite; leave that bound out.")
    return float(value)


def _utc(field: str, text: str) -> str:
    """The date in one form that all engines read; a date without a zone is in UTC."""
    try:
        moment = datetime.fromisoformat(text)
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return zoned.astimezone(UTC).isoformat()
    except (ValueError, OverflowError) as error:
        raise InvalidQuery(
            f"{text!r} for {field!r} is no ISO 8601 date; write it like 1954-03-01 or "
            "1954-03-01T12:00:00Z."
        ) from error
