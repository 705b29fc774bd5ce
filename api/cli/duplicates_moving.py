"""`semblance duplicates plan`, `apply`, `undo`: plans are written, carried out, taken back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.cli.chosen import chosen
from api.cli.files import write
from api.cli.output import clean, emit, number, say
from api.cli.session import CollectionOption, Session, YesOption, command, confirmed
from indexer.errors import InvalidInput

if TYPE_CHECKING:
    from indexer.analysis.duplicates.moving import Moved

_FORMATS = {"csv": "csv", "sh": "sh", "move": "json"}


def register(group: typer.Typer) -> None:
    """Add the commands to the group."""
    examples = (
        "semblance duplicates plan --format csv -o plan.csv",
        "semblance duplicates plan --run 3f2a9c1d --copies --format move -o plan.json",
    )
    command(group, "plan", examples=examples)(plan)
    command(group, "apply", examples=("semblance duplicates apply plan.json --to ~/Set-aside",))(
        apply
    )
    command(group, "undo", examples=("semblance duplicates undo ~/Set-aside",))(undo)


def plan(
    session: Session,
    format: Annotated[
        Literal["csv", "sh", "move"],
        typer.Option(help="To read, a shell script, or for `duplicates apply`."),
    ] = "csv",
    run: Annotated[
        str | None,
        typer.Option(metavar="ANALYSIS", help="Also what this run suggests, if undecided."),
    ] = None,
    copies: Annotated[
        bool, typer.Option("--copies", help="With --run: spare files equal byte by byte too.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="File; else stdout.")
    ] = None,
    collection: CollectionOption = "default",
) -> None:
    """Write down which files could leave, and which stay in their place.

    Nothing is done. It has what was decided to be duplicates, and with
    --run what that run suggests and nobody spoke against.
    """
    if copies and run is None:
        raise InvalidInput("--copies takes the copies that a run found: name it with --run.")
    with session.client("Planning") as client:
        pieces = client.duplicates_plan(
            chosen(client, collection),
            format=_FORMATS[format],  # type: ignore[arg-type]
            analysis=run,
            copies=copies,
        )
        write(pieces, out)
    if out is None:
        return
    if session.as_json:
        emit({"plan": str(out), "format": format})
        return
    say(f"Written to {out}; nothing was moved.")
    if format == "move":
        say(f"`semblance duplicates apply {out} --to FOLDER` carries it out.", "dim")


def apply(
    session: Session,
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="Of `plan --format move`.")],
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the files are moved to.")],
    yes: YesOption = False,
) -> None:
    """Move the files of a plan into a folder; `undo` moves them back.

    A file moves only if it and the one to keep still hold what they held.
    Nothing is overwritten; the same command goes on after an interruption.
    """
    from indexer.analysis.duplicates import moving, plan_files

    leaving = plan_files.moves(_read(plan), str(plan))
    confirmed(f"Move {number(len(leaving), 'file')} to {to}?", yes or not leaving)
    _tell(session, moving.apply(leaving, to.expanduser().absolute()), "moved")
    say(f"`semblance duplicates undo {to}` moves them back.", "dim")
    say("`semblance index FOLDER --prune` lets the collection know.", "dim")


def undo(
    session: Session,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="As given to `apply --to`.")],
) -> None:
    """Move everything in the folder back to where it was."""
    from indexer.analysis.duplicates import moving

    _tell(session, moving.undo(folder.expanduser().absolute()), "moved back")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.", path=str(path)) from error


def _tell(session: Session, outcome: Moved, done: str) -> None:
    if session.as_json:
        refused = [{"path": path, "reason": why} for path, why in outcome.refused]
        emit({"moved": outcome.moved, "before": outcome.before, "refused": refused})
        return
    before = f", {outcome.before:,} before" if outcome.before else ""
    say(f"{number(outcome.moved, 'file')} {done}{before}.")
    for path, why in outcome.refused:
        say(clean(f"Left alone: {path}: {why}."))
