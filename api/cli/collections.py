"""`semblance collections`: list, create, show, delete."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.models import full_names
from api.cli.output import emit, number, page, rows, say
from api.cli.session import Session, YesOption, command, confirmed
from api.cli.status import show_collection
from api.cli.totals import line

NameArgument = Annotated[str, typer.Argument(metavar="NAME")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        help="List, create, show and delete collections.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    command(group, "list")(list_all)
    command(group, "create", examples=("semblance collections create art --model mini",))(create)
    command(group, "show")(show)
    command(group, "delete")(delete)
    app.add_typer(group, name="collections")


def list_all(session: Session) -> None:
    """List all collections."""
    with session.client("Looking") as client:
        told = client.collections()
    if session.as_json:
        emit(told)
        return
    if not told:
        say("There are no collections yet; `semblance index PATH` makes the first one.")
        return
    body = []
    for each in told:
        totals = each["totals"]
        counts = [f"{totals['found']}", f"{totals['indexed']}"] if totals else ["?", "?"]
        models = ", ".join(space["embedder"] for space in each["spaces"])
        body.append([each["name"], *counts, models or "does not open: see `semblance status`"])
    rows(("collection", "found", "indexed", "models"), body, right=(1, 2))


def create(
    session: Session,
    name: NameArgument,
    model: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Model to use; repeat it for several.")
    ] = None,
) -> None:
    """Create an empty collection."""
    with session.client("Creating") as client:
        made = client.create_collection(name, full_names(model))
    if session.as_json:
        emit(made)
        return
    models = ", ".join(space["embedder"] for space in made["spaces"])
    page().print(f"Created collection {name} (model {models}).", markup=False)
    say(f"Fill it: semblance index PATH --collection {name}")


def show(session: Session, name: NameArgument) -> None:
    """Show one collection with its counts and fields."""
    with session.client("Looking") as client:
        told = client.collection(name)
    if session.as_json:
        emit(told)
        return
    show_collection(told)
    if told["created_at"]:
        line("created", told["created_at"][:19].replace("T", " "))
    if told["fields"]:
        fields = ", ".join(f"{field} ({type})" for field, type in sorted(told["fields"].items()))
        line("fields", fields)
    for each in told["calibrations"]:
        pair = f"{each['asked']} → {each['found']} ({each['space']})"
        line("clear at", f"{each['clear']:.3f}  {pair}, as of {number(each['assets'], 'asset')}")


def delete(session: Session, name: NameArgument, yes: YesOption = False) -> None:
    """Delete a collection; files on disk stay as they are."""
    with session.client("Looking") as client:
        totals = client.collection(name)["totals"]
        found = f" and what it knows of {totals['found']:,} files and passages" if totals else ""
        confirmed(f"Delete collection {name}{found}?", yes)
        client.delete_collection(name)
    if session.as_json:
        emit({"deleted": name})
    else:
        page().print(f"Deleted collection {name}.", markup=False)
