"""`semblance backup` and `semblance restore`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import emit, page, say
from api.cli.session import Session, command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.answers import Backup, Restored
    from indexer.settings import Settings

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

    An earlier backup there is replaced when the new one is whole. Originals that Semblance keeps
    (uploads, what `--copy` and archives brought) are not in it, and deleting a collection deletes
    them: copy their place as well (docs/qdrant.md).
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
    if not session.as_json:
        for each in made:
            _tell_originals(each, session.settings())


def _tell_originals(restored: Restored, settings: Settings) -> None:
    """What is missing that no backup holds, and how to bring it back."""
    place = settings.blobs or settings.data / "blobs"
    originals = restored["originals"]
    if originals is None:
        say(f"Whether its originals are there is not known: {place} does not answer.", "yellow")
    elif originals["missing"]:
        say(
            f"Originals that are missing: {originals['missing']:,} of {originals['looked_at']:,} "
            f"looked for. Bring your copy of {place}/originals back; without one, send the files "
            "again, or `semblance index PATH --copy`.",
            "yellow",
        )


def _backed_up(folder: Path) -> list[str]:
    from indexer.backup import listed

    return [made.collection for made in listed(folder)]


def _tell(session: Session, made: Sequence[Backup], done: str) -> None:
    if session.as_json:
        emit(made)
        return
    for each in made:
        size = f"{each['points']:,} points, {each['bytes'] / 1e6:,.1f} MB"
        told = f"{done} {each['collection']}: {size} ({each['file']})."
        page().print(told, markup=False, soft_wrap=True)
