"""What all messages share, and the shape of every error."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from indexer.domain import Reason


class Question(BaseModel):
    """Base of what clients send: an unknown field is a mistake, and nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Told(BaseModel):
    """Base of what the server answers."""

    model_config = ConfigDict(frozen=True)


class Problem(Told):
    """Every error, whatever its status."""

    code: str = Field(description="Stable name of what happened.", examples=["asset_not_found"])
    message: str = Field(
        description="A sentence for people, with the remedy.",
        examples=["There is no collection 'photos'. Collections: default."],
    )
    details: dict[str, Any] = Field(description="The same facts for programs.")


class ReasonTold(Told):
    """Why something failed or was skipped."""

    code: str = Field(examples=["undecodable_asset"])
    message: str

    @classmethod
    def of(cls, reason: Reason | None) -> ReasonTold | None:
        return None if reason is None else cls(code=reason.code, message=reason.message)


FilterJson = Annotated[
    Any,
    WithJsonSchema(
        {
            "type": ["object", "null"],
            "description": (
                'One condition on a field: {"field": "year", "equals": 1900}, or any_of: […], '
                "gt, gte, lt, lte (numbers or ISO dates, may be combined), contains: words, "
                'exists: true or false. Or {"and": […]}, {"or": […]}, {"not": {…}}. A field is a '
                "metadata field unless it is one of the asset's own: kind, status, text, "
                "media_type, width, height, bytes, page, added_at, indexed_at, sha256, job, path."
            ),
            "examples": [{"field": "year", "gte": 1900, "lt": 1950}],
        }
    ),
]
"""A filter as JSON; read by `indexer.filter_json`."""

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": description}
    for status, description in {
        401: "No key, or a wrong one",
        403: "Known, but not allowed",
        404: "There is no such thing",
        409: "In conflict with what is there",
        413: "Too large",
        415: "A kind of file or asset that this does not work for",
        422: "What was sent cannot be used",
        429: "Too many requests",
        500: "Unexpected; the log says more under the id",
        503: "A part that is needed does not answer; try again",
    }.items()
}
"""How any operation may fail, for the OpenAPI document."""
