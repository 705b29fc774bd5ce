"""`semblance doctor`: what is in order here, what is not, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from api.cli.output import emit, for_people, page, screen
from api.cli.session import Session, command
from indexer.errors import InvalidInput

if TYPE_CHECKING:
    from api.cli.checks import Check

_STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, examples=("semblance doctor",))(doctor)


def doctor(session: Session) -> None:
    """Check everything that Semblance needs.

    Each line is ok, a warning or a problem with its remedy; any problem makes the exit code 1.
    """
    told = []
    for check in _checks(session):
        told.append(check)
        if not session.as_json:
            _show(check)
    if session.as_json:
        emit([asdict(check) for check in told])
    if any(check.state == "problem" for check in told):
        raise typer.Exit(1)


def _checks(session: Session) -> Iterator[Check]:
    from api.cli.checks import Check, all_checks

    try:
        settings = session.settings()
    except InvalidInput as error:
        yield Check("settings", "problem", error.message, "Correct or unset that variable.")
        return
    with screen().status("Looking …", spinner_style="dim"):
        checks = list(all_checks(settings))
    yield from checks


def _show(check: Check) -> None:
    from rich.table import Table
    from rich.text import Text

    said = check.found + (f"\n{check.remedy}" if check.remedy else "")
    if not for_people():
        page().print(f"{check.state}\t{check.name}\t{said}", markup=False, soft_wrap=True)
        return
    grid = Table.grid(padding=0)
    grid.add_column(width=9)
    grid.add_column(width=9)
    grid.add_column(overflow="fold")
    grid.add_row(Text(check.state, _STYLES[check.state]), check.name, Text(said))
    page().print(grid)
