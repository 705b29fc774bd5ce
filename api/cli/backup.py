"""`semblance backup` and `semblance restore`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import emit, page, say
from api.cli.session import Session, command

if TYPE_CHECKING:
    from api.answers import Backup

FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the backups.")]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--collection", "-c", metavar="NAME", help="This collection alone; repeat it for several."
    ),
]


def register(app: typer.Typer) -> None:
    """Add both commands."""
    command(app, "backup", examples=("semblance backup /backups/semblance",))(back_up)
    command(app, "restore", examples=("semblance restore /backups/semblance -c photos",))(restore)


def back_up(session: Session, folder: FolderArgument, collection: OnlyOption = None) -> None:
    """Back up collections to a folder; all of them, or those named.

    An earlier backup there is replaced when the new one is whole. Copies of uploaded files are not
    in it: see docs/qdrant.md.
    """
    with session.client("Backing up") as client:
        names = collection or [told["name"] for told in client.collections()]
        made = [client.back_up(folder, name) for name in names]
    _tell(session, made, "Backed up")
    if not made:
        say("There are no collections to back up.")


def restore(session: Session, folder: FolderArgument, collection: OnlyOption = None) -> None:
    """Make collections from their backups in a folder; all of them, or those named.

    One that is there is never overwritten: delete it first.
    """
    names = collection or _backed_up(folder)
    with session.client("Restoring", resume=True) as client:
        made = [client.restore(folder, name) for name in names]
    _tell(session, made, "Restored")


def _backed_up(folder: Path) -> list[str]:
    from indexer.backup import listed

    return [made.collection for made in listed(folder)]


def _tell(session: Session, made: list[Backup], done: str) -> None:
    if session.as_json:
        emit(made)
        return
    for each in made:
        size = f"{each['points']:,} points, {each['bytes'] / 1e6:,.1f} MB"
        told = f"{done} {each['collection']}: {size} ({each['file']})."
        page().print(told, markup=False, soft_wrap=True)
