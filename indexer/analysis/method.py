"""What every analysis is: parameters, a function of a Subject, and its Outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from indexer.errors import InvalidInput

if TYPE_CHECKING:
    import pyarrow as pa

    from indexer.analysis.subject import Subject


class Parameters(BaseModel):
    """Base of what a person can choose in an analysis: an unknown name is a mistake.

    Every field has a description, for the command line's help and the API's document. `paths` names
    the fields that hold paths on the server: a client may name only those it may index.
    """

    paths: ClassVar[tuple[str, ...]] = ()

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    seed: int = Field(
        0, ge=0, lt=2**32, description="Where chance is involved, the same seed gives the same."
    )


class Progress(Protocol):
    """Is told how far an analysis has come."""

    def step(self, what: str, done: int = 0, total: int | None = None) -> None:
        """Begin a step, or tell how far it has come: "Comparing", 300 of 1,000.

        Cheap enough to be called for every block of work. Raises `Cancelled` once a person has
        asked for the end: let it through.
        """


class Cancelled(Exception):
    """A person has cancelled the analysis; nothing of it is kept."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an analysis found.

    `summary`: JSON values, what a person wants to know first. `tables`: by name, each with its rows
    in the order in which they are looked at (worst first, largest first). A column `id`, and any
    column that ends in `_id` or `_ids`, holds AssetIds (text, or lists of text).
    """

    summary: Mapping[str, object]
    tables: Mapping[str, pa.Table]


@dataclass(frozen=True, slots=True)
class Method:
    """One kind of analysis, as the registry knows it.

    `promise` says in one line what a person gets. `least` is the fewest assets with a vector it
    makes sense for: below, `TooFewAssets` is raised before `run` is called. With `mixes_kinds`
    pictures and texts go in together unless one Kind is asked for; without, one Kind at a time.
    """

    name: str
    promise: str
    parameters: type[Parameters]
    run: Callable[[Subject, Any], Outcome]
    least: int = 2
    mixes_kinds: bool = False

    def chosen(self, raw: Mapping[str, object]) -> Parameters:
        """The parameters that the JSON values mean. Raises `InvalidInput` naming what is wrong."""
        try:
            return self.parameters.model_validate(dict(raw))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "its parameters"
            known = ", ".join(self.parameters.model_fields)
            raise InvalidInput(
                f"The analysis {self.name!r} cannot run with this: {place}: {first['msg']}. Its "
                f"parameters: {known}.",
                analysis=self.name,
                parameter=place,
            ) from error


class Stopped(Exception):
    """The process is ending; the analysis begins anew elsewhere, or at the next start."""
