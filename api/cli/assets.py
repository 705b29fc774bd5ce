"""`semblance assets`: look at single assets, or forget them."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from api.cli import hits
from api.cli.chosen import chosen
from api.cli.output import clean, emit, number, page
from api.cli.session import CollectionOption, Session, YesOption, command, confirmed
from api.cli.totals import line
from indexer.errors import AssetNotFound


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        help="Show or forget single assets, by id.", no_args_is_help=True, rich_markup_mode=None
    )
    command(group, "show")(show)
    command(group, "delete")(delete)
    app.add_typer(group, name="assets")


def show(
    session: Session,
    id: Annotated[str, typer.Argument(metavar="ID")],
    collection: CollectionOption = "default",
) -> None:
    """Show one asset: where it was found, and what is known about it."""
    with session.client("Looking") as client:
        collection = chosen(client, collection)
        asset = client.asset(id, collection)
    if session.as_json:
        emit(asset)
        return
    page().print(asset["id"])
    line("kind", f"{asset['kind']}, {asset['media_type']}")
    if asset["width"]:
        line("size", f"{asset['width']} × {asset['height']} pixels")
    line("status", asset["status"] + (f": {asset['reason']['message']}" if asset["reason"] else ""))
    for place, source in enumerate(asset["sources"]):
        line("" if place else "found at", clean(hits.place(source)))
    for key, value in sorted(asset["metadata"].items()):
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        line(key, clean(shown))
    if asset["text"]:
        line("text", clean(asset["text"]))


def delete(
    session: Session,
    ids: Annotated[list[str], typer.Argument(metavar="ID...")],
    collection: CollectionOption = "default",
    yes: YesOption = False,
) -> None:
    """Forget assets; their files stay, and indexing the folder does not bring them back."""
    with session.client("Looking") as client:
        collection = chosen(client, collection)
        confirmed(f"Forget {number(len(ids), 'asset')}?", yes)
        deleted = client.delete(ids, collection)
    if not deleted:
        raise AssetNotFound(f"There is no such asset in collection {collection!r}.", ids=ids)
    if session.as_json:
        emit({"deleted": deleted})
    else:
        page().print(f"Forgot {number(deleted, 'asset')}.")
