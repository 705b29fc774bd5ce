"""What the commands of all analyses share: over which assets, how it is followed, what is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from api.cli.chosen import chosen
from api.cli.output import clean, number, say, screen
from api.cli.where import parse_where
from indexer.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    from api.analysis_answers import Analysis
    from api.answers import Asset
    from api.client import Client

SpaceOption = Annotated[
    str | None,
    typer.Option(
        "--space",
        "-s",
        metavar="NAME",
        help="Space to look in; else the one that answers searches.",
    ),
]
KindOption = Annotated[
    Literal["image", "text"] | None,
    typer.Option(help="Pictures or texts; by default pictures if there are any."),
]
WhereOption = Annotated[
    list[str] | None,
    typer.Option("--where", "-w", metavar="COND", help="Only what fulfils COND, as in `search`."),
]
WithinOption = Annotated[
    str | None,
    typer.Option(
        metavar="ID:N",
        help="Only cluster N of that analysis; or ID:TABLE.COLUMN=VALUE of any other.",
    ),
]
IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="As `analyses list` shows it; its beginning is enough.")
]
LimitOption = Annotated[
    int, typer.Option("--limit", "-n", metavar="N", min=1, max=10_000, help="Rows to show.")
]

_WITHIN = re.compile(r"(?P<id>[0-9a-f-]+):(?:(?P<table>\w+)\.(?P<column>\w+)=)?(?P<value>.+)")
_SHORT = 8


@dataclass(frozen=True, slots=True)
class Scope:
    """Over which assets of a Collection, as the options say."""

    space: str | None = None
    kind: Literal["image", "text"] | None = None
    where: list[str] | None = None
    within: str | None = None


def analyse(
    client: Client,
    name: str,
    collection: str,
    scope: Scope = Scope(),
    parameters: Mapping[str, object] | None = None,
) -> Analysis:
    """Run an analysis to its end, shown as it goes; Ctrl-C cancels it.

    Parameters that are None are left out. Raises what stopped it.
    """
    given = {key: value for key, value in (parameters or {}).items() if value is not None}
    started = client.start_analysis(
        name,
        chosen(client, collection),
        space=scope.space,
        kind=scope.kind,
        where=parse_where(scope.where or []),
        within=None if scope.within is None else parse_within(scope.within),
        parameters=given or None,
    )
    return follow(client, started)


def follow(client: Client, analysis: Analysis) -> Analysis:
    """The analysis when it has ended, shown as it goes; Ctrl-C cancels it."""
    try:
        with _shown() as show:
            return client.wait_for_analysis(analysis, show)
    except KeyboardInterrupt:
        with suppress(Conflict):  # it had just ended
            client.cancel_analysis(analysis["id"], analysis["collection"])
        say("Cancelled; nothing of it is kept.")
        raise


def parse_within(text: str) -> dict[str, object]:
    """`3f2a9c1d:4` is cluster 4 of that analysis; `3f2a9c1d:outliers.flagged=true` any other part.

    Raises `InvalidInput`.
    """
    match = _WITHIN.fullmatch(text.strip())
    if match is None:
        raise InvalidInput(
            f"--within {text!r} names no part of an analysis. Write ID:N for cluster N of it "
            "(`semblance analyses list` has the ids), or ID:TABLE.COLUMN=VALUE.",
            within=text,
        )
    return {
        "analysis": match["id"],
        "table": match["table"] or "members",
        "column": match["column"] or "cluster",
        "equals": _value(match["value"]),
    }


def heading(analysis: Analysis, what: str) -> str:
    """One line over the rows: how many assets, where, and how to find the result again."""
    kind = {"image": "picture", "text": "text", None: "asset"}[analysis["kind"]]
    count = number(analysis["assets"] or 0, kind)
    left = analysis["without_vectors"] or 0
    without = f" ({left:,} without a vector left out)" if left else ""
    return (
        f"{what} {count} of {analysis['collection']} in space {analysis['space']}{without}. "
        f"Analysis {short(analysis)}."
    )


def short(analysis: Analysis) -> str:
    """As much of its id as people are shown, which is enough to name it by."""
    return analysis["id"][:_SHORT]


def place(asset: Asset | None) -> str:
    """Where an asset is, as people read it."""
    if asset is None:
        return "(deleted since)"
    if not asset["sources"]:
        return asset["id"]
    source = asset["sources"][0]
    page = f" p. {source['page']}" if source["page"] else ""
    more = f" (+{len(asset['sources']) - 1})" if len(asset["sources"]) > 1 else ""
    return clean(f"{source['path']}{page}{more}")


def _value(text: str) -> object:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if re.fullmatch(r"-?\d+", text) else text


@contextmanager
def _shown() -> Iterator[Callable[[Analysis], Any]]:
    """A bar for people; nothing for programs, which wait."""
    if not screen().is_terminal:
        yield lambda _: None
        return
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description:<24}"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[counts]}"),
    )
    with Progress(*columns, console=screen(), transient=True, expand=True) as progress:
        task = progress.add_task("Waiting", total=None, counts="")

        def show(analysis: Analysis) -> None:
            step = analysis["step"]
            if step is None:
                return
            total = step["total"]
            counts = f"{step['done']:,}/{total:,}" if total else ""
            progress.update(
                task, description=step["what"], total=total, completed=step["done"], counts=counts
            )

        yield show
