"""`semblance propagate`: labels for what has none, from neighbours that have one."""

from __future__ import annotations

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
from api.cli.labelling import (
    AtLeastOption,
    FieldArgument,
    SaveOption,
    ValueOption,
    save_found,
    share,
    tell_saved,
)
from api.cli.output import emit, number, rows, say
from api.cli.session import CollectionOption, Session, command


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(
        app,
        "propagate",
        examples=(
            "semblance propagate label",
            "semblance propagate label --save guessed --at-least 0.8",
        ),
    )(propagate)


def propagate(
    session: Session,
    field: FieldArgument,
    value: ValueOption = None,
    k: Annotated[int | None, typer.Option("-k", help="Neighbours that each hears from.")] = None,
    alpha: Annotated[
        float | None,
        typer.Option(help="How far labels travel, between 0 and 1; by default 0.9."),
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
    """Give assets without a label the label of their neighbours.

    A fifth of the labels is hidden at first and guessed: how many come back right says what the
    rest is worth.
    """
    parameters = {"label": field, "value": value, "k": k, "alpha": alpha}
    scope = Scope(space, kind, where, within)
    with session.client("Starting") as client:
        told = analyse(client, "propagation", collection, scope, parameters)
        found = client.table_page(told["id"], "assets", told["collection"], limit=limit)
        saved = save_found(client, told, save, at_least)
        if session.as_json:
            emit({"analysis": told, "rows": found["rows"], "saved": saved})
            return
        summary = told["summary"]
        say(heading(told, "Looked at"))
        given = number(summary["labelled"], "label")
        checked = summary["check"]
        right = f"; of {checked['hidden']:,} hidden ones {checked['right']:.0%} came back right"
        say(f"{given} in {len(summary['classes']):,} classes{right if checked else ''}.")
        if summary["unreached"]:
            say(f"{number(summary['unreached'], 'asset')} without any path to a label.", "yellow")
        rows(
            ("score", "label", "where"),
            [
                (share(row["score"]), row["label"] or "-", place(found["assets"].get(row["id"])))
                for row in found["rows"]
            ],
            right=(0,),
        )
        tell_saved(told, save, saved)
