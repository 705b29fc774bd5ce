"""`semblance analyses`: those that were run, their tables; run again, cancelled, deleted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.cli.analysing import (
    IdArgument,
    KindOption,
    LimitOption,
    Scope,
    SpaceOption,
    WhereOption,
    WithinOption,
    analyse,
    follow,
    short,
)
from api.cli.chosen import chosen
from api.cli.files import write
from api.cli.output import emit, for_people, number, page, rows, say, size
from api.cli.session import CollectionOption, Session, YesOption, command, confirmed
from api.cli.totals import line
from indexer.errors import InvalidInput

if TYPE_CHECKING:
    from api.analysis_answers import Analysis


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        help="Results of analyses: list, export, run again.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    command(group, "list", examples=("semblance analyses list",))(list_all)
    command(group, "show", examples=("semblance analyses show 3f2a9c1d",))(show)
    command(group, "run", examples=("semblance analyses run outliers --set k=20",))(run)
    command(group, "rerun", examples=("semblance analyses rerun 3f2a9c1d",))(rerun)
    command(
        group,
        "export",
        examples=("semblance analyses export 3f2a9c1d outliers --out outliers.csv",),
    )(export)
    command(group, "cancel", examples=("semblance analyses cancel 3f2a9c1d",))(cancel)
    command(group, "delete", examples=("semblance analyses delete 3f2a9c1d",))(delete)
    app.add_typer(group, name="analyses")


def list_all(
    session: Session, collection: CollectionOption = "default", limit: LimitOption = 20
) -> None:
    """List analyses, newest first, and what has changed since."""
    with session.client("Looking") as client:
        told = client.analyses(chosen(client, collection), limit=limit)
    if session.as_json:
        emit(told)
        return
    if not told:
        say("There are no analyses yet. `semblance duplicates`, `outliers`, `clusters` make some.")
        return
    rows(
        ("id", "analysis", "begun", "state", "assets", "space", "kind", "since"),
        [
            (
                short(one) if for_people() else one["id"],
                one["analysis"],
                one["created_at"][:19].replace("T", " "),
                one["state"],
                "-" if one["assets"] is None else f"{one['assets']}",
                one["space"],
                one["kind"] or "both",
                stale(one),
            )
            for one in told
        ],
        right=(4,),
    )


def show(session: Session, id: IdArgument, collection: CollectionOption = "default") -> None:
    """Show one analysis: what was asked, what came of it, which tables it has."""
    with session.client("Looking") as client:
        told = client.analysis(id, chosen(client, collection))
    _tell(session, told)


def run(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As docs/analyses.md lists them.")],
    set: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A parameter; the value as JSON or text."),
    ] = None,
    collection: CollectionOption = "default",
    space: SpaceOption = None,
    kind: KindOption = None,
    where: WhereOption = None,
    within: WithinOption = None,
) -> None:
    """Run any analysis with any parameters; the common ones have commands of their own."""
    parameters = dict(_parameter(text) for text in set or [])
    with session.client("Starting") as client:
        scope = Scope(space, kind, where, within)
        told = analyse(client, name, collection, scope, parameters)
    _tell(session, told)


def rerun(session: Session, id: IdArgument, collection: CollectionOption = "default") -> None:
    """Do the same once more over what is there now; the former result stays."""
    with session.client("Starting") as client:
        told = follow(client, client.rerun_analysis(id, chosen(client, collection)))
    _tell(session, told)


def export(
    session: Session,
    id: IdArgument,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="As `analyses show` names it.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="File to write; else stdout.")
    ] = None,
    format: Annotated[
        Literal["parquet", "csv", "jsonl", "arrow"] | None,
        typer.Option(help="By default what FILE ends in, else CSV."),
    ] = None,
    collection: CollectionOption = "default",
) -> None:
    """Write a table of an analysis as Parquet, CSV, JSON lines or Arrow."""
    form = format or _form(out)
    with session.client("Looking") as client:
        pieces = client.export_table(id, table, chosen(client, collection), format=form)
        written = write(pieces, out)
    if out is not None and session.as_json:
        emit({"out": str(out), "bytes": written})
    elif out is not None:
        say(f"Wrote {out} ({size(written)}).")


def cancel(session: Session, id: IdArgument, collection: CollectionOption = "default") -> None:
    """Stop an analysis at its next step."""
    with session.client("Looking") as client:
        told = client.cancel_analysis(id, chosen(client, collection))
    _tell(session, told)


def delete(
    session: Session,
    id: IdArgument,
    collection: CollectionOption = "default",
    yes: YesOption = False,
) -> None:
    """Delete an analysis with its tables; the assets are as they were."""
    with session.client("Looking") as client:
        collection = chosen(client, collection)
        told = client.analysis(id, collection)
        confirmed(f"Delete {told['analysis']} {short(told)} with its tables?", yes)
        client.delete_analysis(told["id"], collection)
    if session.as_json:
        emit({"deleted": told["id"]})
    else:
        page().print(f"Deleted {told['analysis']} {told['id']}.", markup=False, soft_wrap=True)


def stale(analysis: Analysis) -> str:
    """What has changed since, in a few words."""
    since = analysis["stale"]
    if since is None:
        return "-"
    if since["refilled"]:
        return "other vectors: run it again"
    changes = (("+", since["added"]), ("-", since["removed"]))
    parts = [f"{sign}{count:,}" for sign, count in changes if count]
    return " ".join(parts) or "up to date"


def _tell(session: Session, told: Analysis) -> None:
    if session.as_json:
        emit(told)
        return
    title = f"{told['analysis']} {told['id']}: {told['state']}"
    page().print(title, markup=False, soft_wrap=True)
    line("space", f"{told['space']} ({told['fingerprint'][:12]})")
    line("kind", told["kind"] or "both")
    if told["assets"] is not None:
        line("assets", f"{told['assets']:,}")
    if told["without_vectors"]:
        line("left out", number(told["without_vectors"], "asset") + " without a vector", "yellow")
    line("since", stale(told))
    for key, value in told["parameters"].items():
        line("", f"{key} = {json.dumps(value, ensure_ascii=False)}")
    for key, value in told["summary"].items():
        if not isinstance(value, list | dict):
            line(key.replace("_", " "), f"{value}")
    for table in told["tables"]:
        line("table", f"{table['name']}: {number(table['rows'], 'row')}, {size(table['bytes'])}")
    if told["error"] is not None:
        line("stopped", told["error"]["message"], "red")


def _parameter(text: str) -> tuple[str, object]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise InvalidInput(f"--set {text!r}: write NAME=VALUE, such as k=20.", set=text)
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value


def _form(out: Path | None) -> Literal["parquet", "csv", "jsonl", "arrow"]:
    ending = "" if out is None else out.suffix.lower().lstrip(".")
    if ending in ("parquet", "jsonl", "arrow"):
        return ending  # type: ignore[return-value]
    return "csv"
