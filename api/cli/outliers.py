"""`semblance outliers`: what is unlike everything else, the strangest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

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
    short,
)
from api.cli.output import emit, for_people, number, rows, say
from api.cli.session import CollectionOption, Session, command
from api.cli.sheets import Card, Sheet, SheetOption, Strip, write_sheet

if TYPE_CHECKING:
    from api.analysis_answers import Analysis, Rows

ByOption = Annotated[
    Literal["knn", "lof", "centre", "core"] | None,
    typer.Option(
        help="knn: far from its nearest (default). lof: thinner around it than around those. core, "
        "centre: far from the crowd of a collection with one theme, also as one of many.",
    ),
]
NeighboursOption = Annotated[
    int | None,
    typer.Option("-k", metavar="K", min=1, max=200, help="Neighbours to look at."),
]
NearOption = Annotated[
    float | None,
    typer.Option(metavar="X", min=0, max=1, help="Angular distance that counts as near; 0.3."),
]
LabelOption = Annotated[
    str | None,
    typer.Option(
        "--by-label", metavar="FIELD", help="Compare each with those of the same label alone."
    ),
]

_EXAMPLES = (
    "semblance outliers",
    "semblance outliers --by core --html outliers.html",
    "semblance outliers --by-label label --kind image",
    "semblance outliers --json | jq -r '.rows[] | select(.flagged) | .id'",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, examples=_EXAMPLES)(outliers)


def outliers(
    session: Session,
    by: ByOption = None,
    k: NeighboursOption = None,
    near: NearOption = None,
    by_label: LabelOption = None,
    space: SpaceOption = None,
    kind: KindOption = None,
    where: WhereOption = None,
    within: WithinOption = None,
    limit: LimitOption = 20,
    html: SheetOption = None,
    collection: CollectionOption = "default",
) -> None:
    """Find what is unlike everything else, the strangest first.

    Scores go from 0 to 1 (with lof from about 1 upwards); higher is stranger.
    """
    parameters = {"by": by, "k": k, "near": near, "by_label": by_label}
    with session.client("Starting") as client:
        told = analyse(
            client, "outliers", collection, Scope(space, kind, where, within), parameters
        )
        page = client.table_page(told["id"], "outliers", told["collection"], limit=limit)
        if html is not None:
            write_sheet(client, told["collection"], _sheet(told, page), html)
    if session.as_json:
        emit({"analysis": told, "rows": page["rows"]})
        return
    say(heading(told, "Looked at"))
    _show(page, labelled=by_label is not None)
    _remark(told, len(page["rows"]))


def _show(page: Rows, *, labelled: bool) -> None:
    header = ["score", "percentile", "", "what", "nearest", "which"]
    rows(
        [*header[:3], *(["label"] if labelled else []), *header[3:]],
        [
            (
                _score(row["score"]),
                "-" if row["percentile"] is None else f"{row['percentile']:.1f}",
                "flagged" if row["flagged"] else "",
                *((row["label"] or "-",) if labelled else ()),
                place(page["assets"].get(row["id"])),
                "-" if row["nearest_distance"] is None else f"{row['nearest_distance']:.3f}",
                place(page["assets"].get(row["nearest_id"])) if row["nearest_id"] else "-",
            )
            for row in page["rows"]
        ],
        right=(0, 1, 4 + labelled),
    )


def _remark(told: Analysis, shown: int) -> None:
    summary = told["summary"]
    flagged, alone = summary["flagged"], summary["without_near_neighbour"]
    say(
        f"{number(flagged, 'asset')} flagged: {summary['rule']}. "
        f"{alone:,} of all have no near neighbour."
    )
    if summary["not_scored"]:
        say(f"{number(summary['not_scored'], 'asset')} could not be compared with enough others.")
    if for_people() and shown:
        say(
            f"All of them: semblance analyses export {short(told)} outliers --out outliers.csv",
            "dim",
        )


def _sheet(told: Analysis, page: Rows) -> Sheet:
    flagged = number(told["summary"]["flagged"], "asset")
    return Sheet(
        f"Outliers of {told['collection']}",
        f"{heading(told, 'Looked at')} {flagged} flagged. Each beside its nearest.",
        [_strip(rank, row) for rank, row in enumerate(page["rows"], 1)],
        page["assets"],
    )


def _strip(rank: int, row: dict[str, Any]) -> Strip:
    label = f" · {row['label']}" if row.get("label") else ""
    mark = " · flagged" if row["flagged"] else ""
    cards = [Card(row["id"], "stranger")]
    if row["nearest_id"]:
        cards.append(Card(row["nearest_id"], f"nearest, at {row['nearest_distance']:.3f}"))
    return Strip(cards, f"{rank}. {_score(row['score'])}{label}{mark}")


def _score(score: float | None) -> str:
    return "-" if score is None else f"{score:.4f}"
