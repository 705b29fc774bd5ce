"""Conditions as qdrant-client takes them, from the simple form of `queries.check_filter`."""

from __future__ import annotations

from datetime import datetime

from qdrant_client import models

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
from indexer.stores.fields import parse_field


def qdrant_filter(condition: Filter | None) -> models.Filter | None:
    """The condition as a filter of the server."""
    return None if condition is None else models.Filter(must=[_condition(condition)])


def _condition(condition: Filter) -> models.Condition:
    match condition:
        case All(conditions):
            return models.Filter(must=[_condition(inner) for inner in conditions])
        case Any(conditions):
            return models.Filter(should=[_condition(inner) for inner in conditions])
        case Not(inner):
            return models.Filter(must_not=[_condition(inner)])
        case HasVector(space):
            return models.HasVectorCondition(has_vector=space)
        case HasId(ids):
            return models.HasIdCondition(has_id=sorted(ids))
        case Exists(field):
            empty = models.PayloadField(key=parse_field(field).engine)
            return models.Filter(must_not=[models.IsEmptyCondition(is_empty=empty)])
        case Range():
            return models.FieldCondition(
                key=parse_field(condition.field).engine, range=_range(condition)
            )
        case Equals(field, value):
            whole = int(value) if isinstance(value, float) else value
            return _match(field, models.MatchValue(value=whole))
        case AnyOf(field, values):
            return _match(field, models.MatchAny(any=[str(value) for value in values]))
        case Contains(field, text):
            return _match(field, models.MatchText(text=text))


def _match(field: str, match: models.Match) -> models.FieldCondition:
    return models.FieldCondition(key=parse_field(field).engine, match=match)


def _range(condition: Range) -> models.RangeInterface:
    bounds = {"gt": condition.gt, "gte": condition.gte, "lt": condition.lt, "lte": condition.lte}
    dates = {k: datetime.fromisoformat(v) for k, v in bounds.items() if isinstance(v, str)}
    if dates:
        return models.DatetimeRange(**dates)
    return models.Range(**{k: float(v) for k, v in bounds.items() if v is not None})
