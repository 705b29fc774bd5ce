"""What clients send to change clusters, and what saving them as labels answers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.schemas.base import Question, Told

Number = Annotated[int, Field(ge=1, lt=2**31)]


class ClusterName(Question):
    """What a cluster is to be called."""

    name: str = Field(min_length=1, max_length=200, examples=["Boats"])


class Merge(Question):
    """Clusters that are one; the result has the number of the first."""

    clusters: list[Number] = Field(min_length=2, max_length=10_000, examples=[[3, 5]])
    name: str | None = Field(
        None, min_length=1, max_length=200, description="By default that of the largest."
    )


class Label(Question):
    """Names of clusters as a metadata field of their members."""

    field: str = Field("cluster", min_length=1, max_length=64, examples=["motif"])
    clusters: list[Number] | None = Field(
        None, max_length=10_000, description="Only these; by default all."
    )


class Labelled(Told):
    """How many assets were given a label, and under which key a filter finds it."""

    labelled: int
    field: str
