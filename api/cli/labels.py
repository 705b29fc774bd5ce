"""`semblance labels`: what analyses found, saved as metadata and taken out again."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.analysing import IdArgument
from api.cli.chosen import chosen
from api.cli.labelling import AtLeastOption
from api.cli.output import emit, number, page, say
from api.cli.session import CollectionOption, Session, command

FieldArgument = Annotated[str, typer.Argument(metavar="FIELD", help="A metadata field.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        help="Save labels that an analysis found, or take them out.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    command(
        group,
        "save",
        examples=("semblance labels save 3f2a9c1d subject --at-least 0.6",),
    )(save)
    command(group, "drop", examples=("semblance labels drop 3f2a9c1d subject",))(drop)
    app.add_typer(group, name="labels")


def save(
    session: Session,
    id: IdArgument,
    field: FieldArgument,
    collection: CollectionOption = "default",
    at_least: AtLeastOption = 0.0,
) -> None:
    """Save labels that an analysis found as metadata; nothing is overwritten."""
    with session.client("Saving") as client:
        collection = chosen(client, collection)
        count = client.save_labels(id, field, collection, at_least=at_least)
    if session.as_json:
        emit({"field": field, "assets": count})
        return
    verb = "has" if count == 1 else "have"
    told = f"{number(count, 'asset')} now {verb} a label in {field!r}."
    page().print(told, markup=False, soft_wrap=True)
    say(f"Undo: semblance labels drop {id} {field} -c {collection}", "dim")


def drop(
    session: Session,
    id: IdArgument,
    field: FieldArgument,
    collection: CollectionOption = "default",
) -> None:
    """Take out the labels an analysis saved, but for those changed since.

    Values that were there before stay, and so do other metadata.
    """
    with session.client("Looking") as client:
        count = client.drop_labels(id, field, chosen(client, collection))
    if session.as_json:
        emit({"field": field, "assets": count})
        return
    told = f"Took the label in {field!r} from {number(count, 'asset')}."
    page().print(told, markup=False, soft_wrap=True)
