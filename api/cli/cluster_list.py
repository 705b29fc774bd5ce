"""The clusters of an analysis as a list, and what to know about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from api.cli.analysing import heading, place, short
from api.cli.output import emit, for_people, number, rows, say
from api.cli.session import Session

if TYPE_CHECKING:
    from api.analysis_answers import Analysis
    from api.client import Client


def tell(session: Session, client: Client, told: Analysis, limit: int) -> None:
    """Show the largest clusters of an analysis."""
    found = client.table_page(told["id"], "clusters", told["collection"], limit=limit)
    if session.as_json:
        emit({"analysis": told, "rows": found["rows"]})
        return
    say(heading(told, "Clustered"))
    rows(
        ("cluster", "assets", "cohesion", "name", "standing for it"),
        [_row(row, found["assets"]) for row in found["rows"]],
        right=(0, 1, 2),
    )
    _remark(told, found["total"] - len(found["rows"]))


def _row(row: Mapping[str, Any], assets: Mapping[str, Any]) -> Sequence[str]:
    shown = row["representative_ids"][: 2 if for_people() else None]
    places = (place(assets.get(id)) for id in shown)
    cohesion = "-" if row["cohesion"] is None else f"{row['cohesion']:.2f}"
    return (
        f"{row['cluster']}",
        f"{row['size']:,}" if for_people() else f"{row['size']}",
        cohesion,
        row["name"],
        ("\n" if for_people() else "\t").join(places),
    )


def _remark(told: Analysis, hidden: int) -> None:
    summary, id = told["summary"], short(told)
    if hidden > 0:
        say(f"{number(hidden, 'more cluster')} not shown; --limit shows them.")
    if summary["noise"]:
        say(f"{summary['noise']:,} ({summary['noise_share']:.0%}) in no cluster.")
    if summary.get("criterion"):
        say(f"{summary['k']} clusters, by the {summary['criterion']}; another number: -k N.", "dim")
    if summary.get("remark"):
        say(str(summary["remark"]), "yellow")
    if told["collection"] != "default":
        id += f" -c {told['collection']}"
    say(f"Which are alike: semblance clusters tree {id}", "dim")
