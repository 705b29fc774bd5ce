"""`semblance collections`: list, create, show, delete; aliases."""

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
        help="List, create, show and delete collections; give them aliases.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    command(group, "list")(list_all)
    command(group, "create", examples=("semblance collections create art --model mini",))(create)
    command(group, "show")(show)
    command(group, "delete")(delete)
    command(group, "alias", examples=("semblance collections alias photos photos-2026",))(alias)
    command(group, "unalias")(unalias)
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
        models = models or "does not open: see `semblance status`"
        body.append([each["name"], *counts, models, ", ".join(each["aliases"])])
    rows(("collection", "found", "indexed", "models", "aliases"), body, right=(1, 2))


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
    if told["aliases"]:
        line("aliases", ", ".join(told["aliases"]))
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
        told = client.collection(name)
        totals = told["totals"]
        found = f" and what it knows of {totals['found']:,} files and passages" if totals else ""
        also = f", known as {', '.join(told['aliases'])} too" if told["aliases"] else ""
        confirmed(f"Delete collection {told['name']}{also}{found}?", yes)
        client.delete_collection(name)
    if session.as_json:
        emit({"deleted": name})
    else:
        page().print(f"Deleted collection {name}.", markup=False)


def alias(
    session: Session,
    name: NameArgument,
    collection: Annotated[str, typer.Argument(metavar="COLLECTION")],
) -> None:
    """Let NAME lead to COLLECTION, in one step wherever it led before.

    It can then be used wherever a collection is named. Set it to the former collection to go back.
    """
    with session.client("Setting") as client:
        before = client.aliases().get(name)
        client.set_alias(name, collection)
    if session.as_json:
        emit({"alias": name, "collection": collection, "before": before})
        return
    so = f", no longer to {before}" if before not in (None, collection) else ""
    page().print(f"{name} leads to {collection}{so}.", markup=False)
    if so:
        say(f"Back: semblance collections alias {name} {before}", "dim")


def unalias(session: Session, name: NameArgument) -> None:
    """Forget an alias; its collection stays."""
    with session.client("Looking") as client:
        client.drop_alias(name)
    if session.as_json:
        emit({"unaliased": name})
    else:
        page().print(f"{name} is no alias any more.", markup=False)
