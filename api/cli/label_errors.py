"""`semblance label-errors`: labels that are likely wrong."""

from __future__ import annotations

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
    StrengthOption,
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
        "label-errors",
        examples=(
            "semblance label-errors label",
            "semblance label-errors tags --value landscape -n 50",
        ),
    )(label_errors)


def label_errors(
    session: Session,
    field: FieldArgument,
    value: ValueOption = None,
    strength: StrengthOption = None,
    save: SaveOption = None,
    at_least: AtLeastOption = 0.0,
    collection: CollectionOption = "default",
    space: SpaceOption = None,
    kind: KindOption = None,
    where: WhereOption = None,
    within: WithinOption = None,
    limit: LimitOption = 20,
) -> None:
    """List assets whose label is likely wrong, the most doubtful first, with a better one.

    They are for a person to look at: where pictures of two labels look alike, right labels are
    among them. With --save the better labels go into a field of their own.
    """
    parameters = {"label": field, "value": value, "strength": strength}
    scope = Scope(space, kind, where, within)
    with session.client("Starting") as client:
        told = analyse(client, "label_errors", collection, scope, parameters)
        found = client.table_page(
            told["id"], "assets", told["collection"], limit=limit, equals=("candidate", "true")
        )
        saved = save_found(client, told, save, at_least)
        if session.as_json:
            emit({"analysis": told, "rows": found["rows"], "saved": saved})
            return
        summary = told["summary"]
        say(heading(told, "Looked at"))
        say(
            f"{number(summary['candidates'], 'candidate')} among {summary['labelled']:,} labels; "
            f"the model agrees with {summary['accuracy']:.0%} of labels it has not seen."
        )
        if summary["left_out"]:
            say(f"Left out, with one asset each: {', '.join(summary['left_out'][:10])}", "yellow")
        rows(
            ("chance", "label", "rather", "chance", "where"),
            [
                (
                    share(row["self_confidence"]),
                    row["given"],
                    row["suggested"],
                    share(row["score"]),
                    place(found["assets"].get(row["id"])),
                )
                for row in found["rows"]
            ],
            right=(0, 3),
        )
        tell_saved(told, save, saved)
