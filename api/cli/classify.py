"""`semblance classify`: the best of some labels for each asset, by what they mean."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.analysing import (
    KindOption,
    LimitOption,
    Scope,
    SpaceOption,
    WhereOption,
    WithinOption,
    analyse,
    heading,
    place,
)
from api.cli.labelling import AtLeastOption, SaveOption, save_found, share, tell_saved
from api.cli.output import clean, emit, rows, say
from api.cli.session import CollectionOption, Session, command
from indexer.errors import InvalidInput


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(
        app,
        "classify",
        examples=(
            'semblance classify portrait landscape "still life"',
            "semblance classify --list subjects.txt --save subject --at-least 0.6",
            'semblance classify cat dog --template "a drawing of a {}"',
        ),
    )(classify)


def classify(
    session: Session,
    labels: Annotated[
        list[str] | None,
        typer.Argument(metavar="[LABEL]...", help="What assets may be: two or more."),
    ] = None,
    list_file: Annotated[
        Path | None,
        typer.Option("--list", metavar="FILE", help="A file with one label a line, to 1,000."),
    ] = None,
    template: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="Phrase with {} for the label; several are averaged."),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(help="Smaller makes scores more decided; by default the model's own."),
    ] = None,
    save: SaveOption = None,
    at_least: AtLeastOption = 0.0,
    collection: CollectionOption = "default",
    space: SpaceOption = None,
    kind: KindOption = None,
    where: WhereOption = None,
    within: WithinOption = None,
    limit: LimitOption = 20,
) -> None:
    """Sort assets by labels that nobody has taught: by what the words mean.

    Every asset gets the best of the labels, however little it fits; the score says how clearly it
    wins against the others.
    """
    parameters = {
        "labels": [*(labels or []), *_lines(list_file)],
        "templates": template,
        "temperature": temperature,
    }
    scope = Scope(space, kind, where, within)
    with session.client("Starting") as client:
        told = analyse(client, "classification", collection, scope, parameters)
        found = client.table_page(told["id"], "assets", told["collection"], limit=limit)
        saved = save_found(client, told, save, at_least)
        if session.as_json:
            emit({"analysis": told, "rows": found["rows"], "saved": saved})
            return
        say(heading(told, "Classified"))
        counts = ((label, count) for label, count in told["summary"]["counts"].items() if count)
        say("  " + ", ".join(f"{clean(label)} {count:,}" for label, count in counts))
        rows(
            ("score", "label", "where"),
            [
                (share(row["score"]), row["label"], place(found["assets"].get(row["id"])))
                for row in found["rows"]
            ],
            right=(0,),
        )
        tell_saved(told, save, saved)


def _lines(file: Path | None) -> list[str]:
    """The labels in a file. Raises `InvalidInput` if it cannot be read."""
    if file is None:
        return []
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"The list {file} cannot be read ({error}); name a text file in UTF-8 with one label a "
            "line.",
            file=str(file),
        ) from error
    return [line.strip() for line in text.splitlines() if line.strip()]
