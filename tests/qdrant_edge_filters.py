"""A Qdrant server's conditions, as qdrant-edge takes them.

Written apart from our own store on qdrant-edge: what stands in for a server is to check that store
as well, and so shares no line with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

import numpy as np
import qdrant_edge as qe
from qdrant_client import models


class Refused(Exception):
    """What a server would answer instead."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def unsupported(what: object) -> Refused:
    """For what a server can do and its stand-in cannot: never a silently different answer."""
    return Refused(501, f"The stand-in for a server does not know {type(what).__name__}")


def edge_filter(wanted: models.Filter | None) -> qe.Filter | None:
    """The filter; none stays none."""
    if wanted is None:
        return None
    few = wanted.min_should
    return qe.Filter(
        must=_conditions(wanted.must),
        should=_conditions(wanted.should),
        must_not=_conditions(wanted.must_not),
        min_should=None
        if few is None
        else qe.MinShould(_conditions(few.conditions) or [], few.min_count),
    )


def _conditions(
    wanted: Sequence[models.Condition] | models.Condition | None,
) -> list[qe.ConditionType] | None:
    if wanted is None:
        return None
    return [_condition(one) for one in (wanted if isinstance(wanted, list) else [wanted])]


def _condition(wanted: object) -> qe.ConditionType:
    match wanted:
        case models.FieldCondition():
            return _field(wanted)
        case models.IsEmptyCondition():
            return qe.IsEmptyCondition(wanted.is_empty.key)
        case models.IsNullCondition():
            return qe.IsNullCondition(wanted.is_null.key)
        case models.HasIdCondition():
            return qe.HasIdCondition(set(wanted.has_id))
        case models.HasVectorCondition():
            return qe.HasVectorCondition(wanted.has_vector)
        case models.NestedCondition():
            inner = edge_filter(wanted.nested.filter) or qe.Filter()
            return qe.NestedCondition(wanted.nested.key, inner)
        case models.Filter():
            return edge_filter(wanted) or qe.Filter()
    raise unsupported(wanted)


def _field(wanted: models.FieldCondition) -> qe.FieldCondition:
    for place in (wanted.geo_bounding_box, wanted.geo_radius, wanted.geo_polygon):
        if place is not None:
            raise unsupported(place)
    count = wanted.values_count
    return qe.FieldCondition(
        wanted.key,
        match=None if wanted.match is None else _match(wanted.match),
        range=None if wanted.range is None else _range(wanted.range),
        values_count=None if count is None else qe.ValuesCount(**count.model_dump()),
        is_empty=wanted.is_empty,
        is_null=wanted.is_null,
    )


def _match(wanted: models.Match) -> qe.MatchType:
    match wanted:
        case models.MatchValue(value=bool() as value):
            # the binding takes Python's True for the number 1; numpy's it takes for what it is
            return qe.MatchValue(cast(bool, np.bool_(value)))
        case models.MatchValue():
            return qe.MatchValue(wanted.value)
        case models.MatchAny():
            return qe.MatchAny(wanted.any)
        case models.MatchExcept():
            return qe.MatchExcept(wanted.except_)
        case models.MatchText():
            return qe.MatchText(wanted.text)
        case models.MatchTextAny():
            return qe.MatchTextAny(wanted.text_any)
        case models.MatchPhrase():
            return qe.MatchPhrase(wanted.phrase)
    raise unsupported(wanted)


def _range(wanted: models.RangeInterface) -> qe.RangeType:
    bounds = wanted.model_dump(exclude_none=True)
    if isinstance(wanted, models.DatetimeRange):
        return qe.RangeDateTime(**{name: _moment(bound) for name, bound in bounds.items()})
    return qe.RangeFloat(**bounds)


def _moment(bound: datetime) -> str:
    return bound.isoformat()
