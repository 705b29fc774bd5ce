"""`semblance quality`: pictures that are hard to look at, and texts that are hard to read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

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
from api.cli.output import emit, for_people, rows, say
from api.cli.session import CollectionOption, Session, command
from api.cli.sheets import Card, Sheet, SheetOption, Strip, write_sheet
from indexer.errors import InvalidInput

if TYPE_CHECKING:
    from api.analysis_answers import Analysis, Rows
    from api.client import Client

ThresholdOption = Annotated[
    list[str] | None,
    typer.Option(
        "--threshold",
        metavar="ISSUE=X",
        help="Flag an issue from a score above X, 0 to 1, instead of 0.5; 1 never flags it.",
    ),
]
IssueOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Only this issue, the worst first.")
]

_EXAMPLES = (
    "semblance quality",
    "semblance quality --issue blurred --html blurred.html",
    "semblance quality --threshold grey=1 --threshold dark=0.7",
    "semblance quality --kind text --json",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, examples=_EXAMPLES)(quality)


def quality(
    session: Session,
    issue: IssueOption = None,
    threshold: ThresholdOption = None,
    space: SpaceOption = None,
    kind: KindOption = None,
    where: WhereOption = None,
    within: WithinOption = None,
    limit: LimitOption = 20,
    html: SheetOption = None,
    collection: CollectionOption = "default",
) -> None:
    """Find pictures that are blurred, dark, blank or odd, and texts that cannot be read.

    A second run reads only what is new. Issues of pictures: dark, light, blurred, blank,
    empty_page, grey, odd_size, odd_aspect; of texts: short, long, numbers, garbled, other_script.
    """
    parameters = {"thresholds": thresholds(threshold or []) or None}
    with session.client("Starting") as client:
        scope = Scope(space, kind, where, within)
        told = analyse(client, "quality", collection, scope, parameters)
        page = _page(client, told, issue, limit)
        page["rows"] = [row for row in page["rows"] if _is_meant(row, issue)]
        if html is not None:
            write_sheet(client, told["collection"], _sheet(told, page, issue), html)
    if session.as_json:
        emit({"analysis": told, "rows": page["rows"]})
        return
    say(heading(told, "Looked at"))
    _show(page, issue)
    _remark(told)


def thresholds(given: Sequence[str]) -> dict[str, float]:
    """`blurred=0.6` as a threshold by issue. Raises `InvalidInput`."""
    found = {}
    for text in given:
        issue, _, value = text.partition("=")
        try:
            found[issue.strip()] = float(value)
        except ValueError as error:
            raise InvalidInput(
                f"--threshold {text!r} is no issue with a score; write it like blurred=0.6.",
                threshold=text,
            ) from error
    return found


def _page(client: Client, told: Analysis, issue: str | None, limit: int) -> Rows:
    where = (told["id"], "quality", told["collection"])
    if issue == "unreadable":
        return client.table_page(*where, limit=limit, equals=("worst", issue))
    return client.table_page(*where, limit=limit, order=issue, descending=issue is not None)


def _is_meant(row: dict[str, Any], issue: str | None) -> bool:
    return bool(row["issues"]) if issue is None else issue in row["issues"]


def _show(page: Rows, issue: str | None) -> None:
    rows(
        ("score", "issues", "what", "why"),
        [
            (
                f"{_score(row, issue):.2f}",
                ", ".join(row["issues"]),
                place(page["assets"].get(row["id"])),
                row["reason"] or "",
            )
            for row in page["rows"]
        ],
        right=(0,),
    )


def _remark(told: Analysis) -> None:
    summary = told["summary"]
    counts = {**summary["issues"]}
    if summary["unreadable"]:
        counts["unreadable"] = summary["unreadable"]
    if not counts:
        say("Nothing is wrong with any of them.")
        return
    by_count = sorted(counts.items(), key=lambda one: -one[1])
    listed = ", ".join(f"{issue} {count:,}" for issue, count in by_count)
    say(f"{summary['flagged']:,} flagged: {listed}.")
    if for_people():
        issue = by_count[0][0]
        say(f"To see one: semblance quality --issue {issue} --html {issue}.html", "dim")


def _sheet(told: Analysis, page: Rows, issue: str | None) -> Sheet:
    strips = [
        Strip([Card(row["id"], f"{_score(row, issue):.2f}")], ", ".join(row["issues"]))
        for row in page["rows"]
    ]
    what = (issue or "quality").replace("_", " ").capitalize()
    about = f"{heading(told, 'Looked at')} {told['summary']['flagged']:,} flagged."
    return Sheet(f"{what} in {told['collection']}", about, strips, page["assets"])


def _score(row: dict[str, Any], issue: str | None) -> float:
    score: float | None = row.get(issue) if issue else row["score"]
    return row["score"] if score is None else score
