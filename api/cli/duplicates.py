"""`semblance duplicates`: find them, decide on them, plan what to do; nothing is ever deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import duplicates_deciding, duplicates_moving
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
from api.cli.duplicates_deciding import said
from api.cli.finding import FIND, FindsByDefault
from api.cli.output import clean, emit, number, page, rows, say, size
from api.cli.session import CollectionOption, Session, command

if TYPE_CHECKING:
    from api.analysis_answers import Analysis
    from api.answers import Asset


CosineOption = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Check neighbours at least this alike; else 0.75."),
]
DistanceOption = Annotated[
    int | None,
    typer.Option(
        "--hash-distance", min=0, max=8, help="Check hashes apart by so many bits; else 8."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        cls=FindsByDefault,
        help="Find duplicates, decide, plan; without a command: find.",
        rich_markup_mode=None,
    )
    examples = ("semblance duplicates", "semblance duplicates -c letters --kind text -n 50")
    command(group, FIND, examples=examples)(find)
    command(
        group,
        "check",
        examples=("semblance duplicates check ~/Incoming -c archive",),
    )(check)
    duplicates_deciding.register(group)
    duplicates_moving.register(group)
    app.add_typer(group, name="duplicates")


def find(
    session: Session,
    collection: CollectionOption = "default",
    cosine: CosineOption = None,
    hash_distance: DistanceOption = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show how many pairs each threshold keeps.")
    ] = False,
    space: SpaceOption = None,
    kind: KindOption = None,
    where: WhereOption = None,
    within: WithinOption = None,
    limit: LimitOption = 20,
) -> None:
    """Find duplicates and show them in groups, the largest first.

    Each pair is checked: one picture, turned, scaled and with its tones
    fitted, must come out as the other.
    """
    bounds = {"cosine": cosine, "hash_distance": hash_distance}
    with session.client("Starting") as client:
        told = analyse(client, "duplicates", collection, Scope(space, kind, where, within), bounds)
        where_it_is = (told["id"], told["collection"])
        groups = client.table_page(where_it_is[0], "groups", where_it_is[1], limit=limit)
        counts = client.table_page(where_it_is[0], "preview", where_it_is[1], assets=False)
    if session.as_json:
        emit({"analysis": told, "rows": groups["rows"], "preview": counts["rows"]})
        return
    say(heading(told, "Looked at"))
    _tell_found(told)
    if preview:
        _tell_preview(counts["rows"])
        return
    for group in groups["rows"]:
        _tell_group(group, groups["assets"])
    _tell_next(told, groups["total"], limit)


def check(
    session: Session,
    path: Annotated[str, typer.Argument(metavar="PATH", help="A folder or file to be added.")],
    collection: CollectionOption = "default",
    cosine: CosineOption = None,
    hash_distance: DistanceOption = None,
    space: SpaceOption = None,
    kind: KindOption = None,
    limit: LimitOption = 1000,
) -> None:
    """Check a folder before it is added: what of it is here already.

    Nothing of it is added. What is new is listed last.
    """
    from pathlib import Path

    bounds = {
        "path": str(Path(path).expanduser().absolute()),
        "cosine": cosine,
        "hash_distance": hash_distance,
    }
    with session.client("Starting") as client:
        told = analyse(client, "accession", collection, Scope(space, kind), bounds)
        found = client.table_page(told["id"], "incoming", told["collection"], limit=limit)
    if session.as_json:
        emit({"analysis": told, "rows": found["rows"]})
        return
    counts = told["summary"]
    say(
        f"{counts['found']:,} found: {counts['exact']:,} here already byte by byte, "
        f"{counts['duplicate']:,} as duplicates, {counts['similar']:,} similar, "
        f"{counts['new']:,} new, {counts['unreadable']:,} unreadable."
    )
    rows(
        ("result", "as", "file", "of"),
        [
            (
                row["result"],
                said(row["verdict"]) if row["verdict"] else "-",
                row["path"],
                row["match_path"] or row["reason"] or "-",
            )
            for row in found["rows"]
        ],
    )


def _tell_found(told: Analysis) -> None:
    counts = told["summary"]
    verdicts = ", ".join(f"{count:,} {said(name)}" for name, count in counts["verdicts"].items())
    say(
        f"{number(counts['groups'], 'group')} with {counts['duplicates']:,} duplicates beside the "
        f"ones to keep ({size(counts['bytes_beside'])}). Pairs: {verdicts or 'none'}."
    )
    if counts["exact"]:
        say(f"{number(counts['exact'], 'file')} in several places, equal byte by byte.")
    if counts["unreadable"]:
        say(f"{number(counts['unreadable'], 'picture')} could not be opened: table `unreadable`.")
    if counts["unchecked"]:
        say(f"{counts['unchecked']:,} candidates were left unchecked: raise most_pairs.")


def _tell_group(group: dict[str, Any], assets: dict[str, Asset]) -> None:
    keep = place(assets.get(group["id"]))
    lines = [f"keep  {keep}", f"      {group['reason']}  {group['id']}"]
    for member, verdict in zip(group["member_ids"], group["verdicts"], strict=True):
        lines.append(f"      {said(verdict)}: {place(assets.get(member))}  {member}")
    page().print(clean_lines(lines), markup=False, soft_wrap=True)


def _tell_preview(counts: list[dict[str, Any]]) -> None:
    rows(
        ("measure", "threshold", "pairs", "of them duplicates"),
        [
            (row["measure"], f"{row['threshold']:g}", f"{row['pairs']:,}", f"{row['confirmed']:,}")
            for row in counts
        ],
        right=(1, 2, 3),
    )


def _tell_next(told: Analysis, groups: int, limit: int) -> None:
    id = short(told)
    if groups > limit:
        say(f"{groups - limit:,} further groups: -n {groups}.", "dim")
    say(
        f"`semblance duplicates open {id}` lists pairs to decide on, "
        f"`semblance duplicates plan --run {id}` writes a plan.",
        "dim",
    )


def clean_lines(lines: list[str]) -> str:
    """Lines without control characters in them."""
    return "\n".join(clean(line) for line in lines)
