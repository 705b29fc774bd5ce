"""What a person can choose when assets are clustered."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from indexer.analysis.method import Parameters


class ClusterParameters(Parameters):
    """Everything has a default that suits a collection nobody knows yet."""

    paths: ClassVar[tuple[str, ...]] = ("vocabulary",)

    by: Literal["kmeans", "density"] = Field(
        "kmeans",
        description="kmeans puts every asset into a cluster; density finds the groups that stand "
        "out, however many there are, and leaves the rest aside.",
    )
    k: int | None = Field(
        None,
        ge=1,
        le=2_000,
        description="How many clusters kmeans makes; by default as many as agree best with who is "
        "near whom.",
    )
    smallest: int | None = Field(
        None,
        ge=2,
        description="The fewest assets density calls a cluster; by default half the square root "
        "of all, and at least 5.",
    )
    representatives: int = Field(
        5, ge=1, le=50, description="Assets that stand for each cluster, no two nearly the same."
    )
    vocabulary: str | None = Field(
        None,
        description="A CSV or text file on the server with terms to name clusters by, such as AAT, "
        "Iconclass or LCSH; by default captions and metadata, or a general list.",
    )
    terms: tuple[str, ...] | None = Field(
        None, max_length=10_000, description="Terms to name clusters by, in place of a file."
    )
