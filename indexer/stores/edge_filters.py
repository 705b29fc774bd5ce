"""Conditions as qdrant-edge takes them, from the simple form of `queries.check_filter`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import numpy as np
import qdrant_edge as qe

from indexer.domain import AssetId
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


def edge_filter(condition: Filter | None) -> qe.Filter | None:
    """The condition as a filter of the engine."""
    return None if condition is None else qe.Filter(must=[_condition(condition)])


def edge_filter_of(ids: Iterable[AssetId], condition: Filter | None) -> qe.Filter:
    """Those of these points that fulfil the condition, if there is one."""
    conditions = [HasId(frozenset(ids)), *([] if condition is None else [condition])]
    return qe.Filter(must=[_condition(one) for one in conditions])


def _condition(condition: Filter) -> qe.ConditionType:
    match condition:
        case All(conditions):
            return qe.Filter(must=[_condition(inner) for inner in conditions])
        case Any(conditions):
            return qe.Filter(should=[_condition(inner) for inner in conditions])
        case Not(inner):
            return qe.Filter(must_not=[_condition(inner)])
        case HasVector(space):
            return qe.HasVectorCondition(space)
        case HasId(ids):
            return qe.HasIdCondition(cast("set[qe.PointId]", set(ids)))
        case Exists(field):
            return qe.Filter(must_not=[qe.IsEmptyCondition(parse_field(field).engine)])
        case Range():
            return qe.FieldCondition(parse_field(condition.field).engine, range=_range(condition))
        case Equals(field, value):
            return qe.FieldCondition(parse_field(field).engine, match=_match_value(value))
        case AnyOf(field, values):
            texts = qe.MatchAny([str(value) for value in values])
            return qe.FieldCondition(parse_field(field).engine, match=texts)
        case Contains(field, text):
            return qe.FieldCondition(parse_field(field).engine, match=qe.MatchText(text))


def _match_value(value: str | int | float | bool) -> qe.MatchValue:
    if isinstance(value, bool):
        # the binding reads Python's True as the number 1, and only numpy's as a bool
        return qe.MatchValue(cast(bool, np.bool_(value)))
    return qe.MatchValue(value if isinstance(value, str) else int(value))


def _range(condition: Range) -> qe.RangeType:
    bounds = {"gt": condition.gt, "gte": condition.gte, "lt": condition.lt, "lte": condition.lte}
    dates = {name: bound for name, bound in bounds.items() if isinstance(bound, str)}
    if dates:
        return qe.RangeDateTime(**dates)
    return qe.RangeFloat(**{k: float(v) for k, v in bounds.items() if v is not None})
