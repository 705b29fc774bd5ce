"""Maps: where names are written."""

from __future__ import annotations

from pydantic import Field

from api.schemas.base import Told


class NameTold(Told):
    """The name of a group of points, and its place."""

    group: str = Field(description="The value that its points share.", examples=["3"])
    name: str = Field(examples=["boats, harbour"])
    x: float
    y: float
    size: int = Field(description="How many points it has.")
