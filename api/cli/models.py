"""`semblance models`: what can be used, and how to bring what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import emit, for_people, page, rows, say
from api.cli.session import Session, command
from api.cli.totals import line
from indexer.errors import ModelNotFound

if TYPE_CHECKING:
    from api.answers import Model


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, examples=("semblance models", "semblance models clip-vit-b-32"))(models)


def full_names(models: list[str] | None) -> list[str]:
    """Names as collections keep them: paths absolute, whatever folder the server works in.

    Raises `ModelNotFound` with the nearest names.
    """
    from indexer.embedders.naming import resolve

    return [resolve(name).name for name in models or []]


def models(
    session: Session,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Only this model, and how to bring it.")
    ] = None,
) -> None:
    """List models, and say how to bring one that is missing."""
    with session.client("Looking") as client:
        told = client.models()
    if name is not None:
        told = [model for model in told if model["name"] == name]
        if not told:
            from indexer.embedders.naming import NAMING

            raise ModelNotFound(
                f"There is no model {name!r} in the catalogue. {NAMING}", model=name
            )
    if session.as_json:
        emit(told)
    elif name is not None:
        _show_one(told[0])
    else:
        _show_all(told)


def _show_all(told: Sequence[Model]) -> None:
    rows(
        ("", "model", "finds", "dims", "MB", "licence", "here"),
        [
            (
                "*" if model["default"] else " ",
                model["name"],
                _kinds(model),
                str(model["dimension"] or "?"),
                _megabytes(model),
                model["licence"] or "?",
                "yes" if model["available"] else "no",
            )
            for model in told
        ],
        right=(3, 4),
    )
    if not for_people():
        return
    say("* is used for new collections. Another: semblance index PATH --model NAME", "dim")
    missing = [model["name"] for model in told if not model["available"]]
    if missing:
        say(f"How to bring one that is not here: semblance models {missing[0]}", "dim")


def _show_one(model: Model) -> None:
    page().print(model["name"], style="bold", markup=False)
    line("about", model["description"])
    line("finds", _kinds(model))
    line("dimension", str(model["dimension"] or "known once it is loaded"))
    line("size", f"{_megabytes(model)} MB" if model["megabytes"] is not None else "unknown")
    line("licence", model["licence"] or "unknown")
    line("here", "yes" if model["available"] else "no")
    if model["remedy"]:
        line("bring it", model["remedy"])


def _megabytes(model: Model) -> str:
    return "?" if model["megabytes"] is None else str(model["megabytes"])


def _kinds(model: Model) -> str:
    return "+".join(sorted(model["kinds"]))
