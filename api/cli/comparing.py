"""`semblance compare`: what changes from one space to another over the same assets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.analysing import (
    KindOption,
    LimitOption,
    Scope,
    WhereOption,
    WithinOption,
    analyse,
    place,
    short,
)
from api.cli.files import write
from api.cli.map import table_format
from api.cli.output import emit, for_people, number, rows, say
from api.cli.session import CollectionOption, Session, command

if TYPE_CHECKING:
    from api.analysis_answers import Analysis, Rows

_EXAMPLES = (
    "semblance compare mini clip-vit-b-32",
    "semblance compare before after --label class",
    "semblance compare mini dinov2 --out disagreeing.csv",
)
_NEIGHBOURS = 3
"""So many of each list are shown; the export has all."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "compare", examples=_EXAMPLES)(compare)


def compare(
    session: Session,
    space: Annotated[str, typer.Argument(metavar="SPACE", help="As `spaces list` names it.")],
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The one to compare it with.")],
    label: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD", help="Metadata field with classes: which space tells them apart?"
        ),
    ] = None,
    k: Annotated[
        int | None,
        typer.Option("-k", metavar="K", min=1, max=200, help="Neighbours compared (10)."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Write all assets with both maps: .csv, .parquet."
        ),
    ] = None,
    limit: LimitOption = 10,
    collection: CollectionOption = "default",
    kind: KindOption = None,
    where: WhereOption = None,
    within: WithinOption = None,
) -> None:
    """Compare two spaces: do they agree on neighbours, outliers, groups and labels?"""
    parameters = {"other": other, "label": label, "k": k}
    form = None if out is None else table_format(out)
    with session.client("Starting") as client:
        scope = Scope(space, kind, where, within)
        told = analyse(client, "comparison", collection, scope, parameters)
        if out is not None and form is not None:
            write(client.export_table(told["id"], "assets", told["collection"], format=form), out)
        shown = client.table_page(told["id"], "disagreeing", told["collection"], limit=limit)
    if session.as_json:
        emit({"analysis": told, "rows": shown["rows"]})
        return
    _tell(told, shown)
    if out is not None:
        say(f"Wrote {out}.")


def _tell(told: Analysis, shown: Rows) -> None:
    from indexer.analysis.comparison.verdict import verdict

    summary = told["summary"]
    say(_heading(told))
    for line in verdict(summary):
        say(line)
    if for_people():
        say("They disagree most on:")
    rows(
        ("shared", "asset", f"near in {summary['space']}", f"near in {summary['other']}"),
        [
            (
                f"{row['overlap']:.0%}",
                place(shown["assets"].get(row["id"])),
                _places(shown, row["neighbour_ids"]),
                _places(shown, row["other_neighbour_ids"]),
            )
            for row in shown["rows"]
        ],
        right=(0,),
    )
    say(f"`semblance analyses export {short(told)} outliers` lists outliers of one alone.", "dim")


def _heading(told: Analysis) -> str:
    summary = told["summary"]
    count = number(summary["assets"], "asset")
    left = summary["only_in_space"]
    without = f" ({left:,} without one left out)" if left else ""
    return (
        f"Compared {summary['space']} with {summary['other']} over {count} of "
        f"{told['collection']} that have a vector in both{without}. Analysis {short(told)}."
    )


def _places(shown: Rows, ids: list[Any]) -> str:
    return ", ".join(place(shown["assets"].get(id)) for id in ids[:_NEIGHBOURS])
