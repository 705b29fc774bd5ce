"""What a person can choose when duplicates are looked for."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from indexer.analysis.method import Parameters


class DuplicateParameters(Parameters):
    """Bounds of what is looked at. They never decide: the check of each pair does."""

    cosine: float = Field(
        0.75,
        ge=0,
        le=1,
        description="Neighbours in the space at least this alike are checked. Lower finds smaller "
        "crops and takes longer; the table `preview` says how many pairs each value has.",
    )
    neighbours: int = Field(
        20, ge=1, le=200, description="How many neighbours of each asset are looked at."
    )
    hash_distance: int = Field(
        8,
        ge=0,
        le=8,
        description="Pictures whose perceptual hashes differ in at most so many of 63 bits are "
        "checked too, also mirrored and turned.",
    )
    most_pairs: int = Field(
        200_000,
        ge=1,
        le=10_000_000,
        description="Pairs that are checked, the nearest first; how many were left is told.",
    )
    scene_cosine: float = Field(
        0.9,
        ge=0,
        le=1,
        description="Pictures that are not the same but at least this alike, and have details in "
        "common, are told as the same scene.",
    )
    reworded_cosine: float = Field(
        0.88, ge=0, le=1, description="Texts at least this alike count as re-worded..."
    )
    reworded_overlap: float = Field(
        0.35, ge=0, le=1, description="...if they share at least this part of their words."
    )


class AccessionParameters(DuplicateParameters):
    """A folder on the server, and the bounds within which its duplicates are looked for."""

    paths: ClassVar[tuple[str, ...]] = ("path",)

    path: str = Field(description="The folder or file on the server; nothing of it is added.")
    neighbours: int = Field(
        5, ge=1, le=200, description="How many near assets each incoming file is held against."
    )
