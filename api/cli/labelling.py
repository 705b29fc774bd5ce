"""What the commands about labels share: which field and value, and saving what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.analysing import short
from api.cli.output import number, say

if TYPE_CHECKING:
    from api.analysis_answers import Analysis
    from api.client import Client

FieldArgument = Annotated[
    str,
    typer.Argument(metavar="FIELD", help="Metadata field that holds the labels, such as `label`."),
]
ValueOption = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="Tell assets with this value from others; for fields with several values.",
    ),
]
SaveOption = Annotated[
    str | None,
    typer.Option("--save", metavar="FIELD", help="Save the labels found in this metadata field."),
]
AtLeastOption = Annotated[
    float,
    typer.Option(
        "--at-least", metavar="SCORE", min=0, max=1, help="Save only labels with this score."
    ),
]
StrengthOption = Annotated[
    float | None,
    typer.Option(help="How closely to follow the labels (C); by default chosen."),
]


def save_found(
    client: Client, analysis: Analysis, field: str | None, at_least: float
) -> int | None:
    """Save the labels found if a field is named; returns how many assets have theirs now."""
    if field is None:
        return None
    return client.save_labels(analysis["id"], field, analysis["collection"], at_least=at_least)


def tell_saved(analysis: Analysis, field: str | None, saved: int | None) -> None:
    """Say what was saved and how to undo it, or how to save."""
    id, collection = short(analysis), analysis["collection"]
    if field is None or saved is None:
        say(f"Save the labels: semblance labels save {id} FIELD -c {collection}", "dim")
        return
    say(f"{number(saved, 'asset')} now {'has' if saved == 1 else 'have'} a label in {field!r}.")
    say(
        f"Find them: semblance search … -w '{field}=…' -c {collection}    "
        f"Undo: semblance labels drop {id} {field} -c {collection}",
        "dim",
    )


def share(value: float | None) -> str:
    """A share or score as people read it."""
    return "-" if value is None else f"{value:.3f}"
