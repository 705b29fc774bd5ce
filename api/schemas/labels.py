"""Labels that an analysis found, saved as metadata."""

from __future__ import annotations

from pydantic import Field

from api.schemas.base import Question, Told


class LabelsWanted(Question):
    """Where labels are saved, and how sure they must be."""

    field: str = Field(
        min_length=1, max_length=200, description="A metadata field.", examples=["subject"]
    )
    at_least: float = Field(
        0.0, ge=0, le=1, description="Only labels with this score and more.", examples=[0.5]
    )


class LabelsTold(Told):
    """How many assets have been given their label, or have lost it."""

    field: str
    assets: int
