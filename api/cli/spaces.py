"""`semblance spaces`: several models in one collection, or vectors of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.cli import importing
from api.cli.chosen import chosen
from api.cli.following import follow_space
from api.cli.output import emit, number, page, rows, say
from api.cli.session import CollectionOption, Session, YesOption, command, confirmed
from api.cli.totals import line_of_reasons
from indexer.errors import InvalidInput

if TYPE_CHECKING:
    from api.answers import SpaceFilled
    from api.client import Client

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="As `spaces list` names it.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        help="Add models or own vectors to a collection.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    command(group, "list", examples=("semblance spaces list",))(list_all)
    command(group, "add", examples=("semblance spaces add clip-vit-b-32",))(add)
    importing.register(group)
    command(
        group,
        "switch",
        examples=("semblance spaces switch clip-vit-b-32", "semblance spaces switch --back"),
    )(switch)
    command(group, "drop", examples=("semblance spaces drop clip-vit-b-32",))(drop)
    app.add_typer(group, name="spaces")


def list_all(session: Session, collection: CollectionOption = "default") -> None:
    """List the spaces of a collection, and how far each is filled."""
    with session.client("Looking") as client:
        told = client.spaces(chosen(client, collection))
    _tell(session, told)


def add(
    session: Session,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="As `semblance models` names it.")],
    collection: CollectionOption = "default",
) -> None:
    """Give a collection another model, and what is there its vectors.

    Searches go on in the other spaces meanwhile; the same command continues what was stopped.
    """
    with session.client("Loading the model", resume=True) as client:
        collection = chosen(client, collection)
        added = client.add_space(model, collection)
        try:
            filled = follow_space(client, added["name"], collection)
        except KeyboardInterrupt:
            _tell_stopped(client)
            raise
    if session.as_json:
        emit(filled)
        return
    told = f"Space {filled['name']}: {filled['vectors']:,} of {filled['wanted']:,} have vectors."
    page().print(told, markup=False, soft_wrap=True)
    line_of_reasons("failed", filled["reasons"], "yellow")
    if filled["failed"]:
        say(f"Why: semblance failures {collection}    Try again: semblance retry {collection}")
    say(f'Search in it: semblance search "…" --space {filled["name"]} -c {collection}', "dim")


def switch(
    session: Session,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="As `spaces list` names it.")
    ] = None,
    collection: CollectionOption = "default",
    back: Annotated[bool, typer.Option("--back", help="Undo the last switch.")] = False,
    kind: Annotated[
        Literal["image", "text"] | None,
        typer.Option(help="What it is to find; by default whatever it can."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also while assets wait for their vectors there.")
    ] = False,
) -> None:
    """Let another space answer from now on, or --back the former one."""
    if (name is None) != back:
        raise InvalidInput("Name the space to switch to, or give --back alone.")
    with session.client("Looking") as client:
        collection = chosen(client, collection)
        if name is None:
            told = client.switch_back(collection)
        else:
            told = client.switch_space(name, collection, kinds=(kind,) if kind else (), force=force)
    _tell(session, told)


def drop(
    session: Session,
    name: NameArgument,
    collection: CollectionOption = "default",
    force: Annotated[
        bool, typer.Option("--force", help="Also what was switched to, or --back would need.")
    ] = False,
    yes: YesOption = False,
) -> None:
    """Remove a space and its vectors; the assets and their other vectors stay."""
    with session.client("Looking") as client:
        collection = chosen(client, collection)
        there = {space["name"]: space for space in client.spaces(collection)}
        if name in there:
            vectors = number(there[name]["vectors"], "vector")
            serves = " and ".join(there[name]["serves"])
            answers = f" It answers searches for {serves}s." if serves else ""
            confirmed(
                f"Drop space {name} of collection {collection} and its {vectors}?{answers}", yes
            )
        # One that is not listed may be what an interrupted drop has left: that is cleared away.
        client.drop_space(name, collection, force=force)
    if session.as_json:
        emit({"dropped": name})
    else:
        told = f"Dropped space {name} of collection {collection}."
        page().print(told, markup=False, soft_wrap=True)


def _tell(session: Session, told: list[SpaceFilled]) -> None:
    if session.as_json:
        emit(told)
        return
    rows(
        (
            "space",
            "model",
            "dimension",
            "kinds",
            "vectors",
            "wanted",
            "state",
            "fingerprint",
            "serves",
        ),
        [
            (
                space["name"],
                space["embedder"],
                str(space["dimension"]),
                "+".join(space["kinds"]),
                f"{space['vectors']}",
                "-" if space["wanted"] is None else f"{space['wanted']}",
                _state(space),
                space["fingerprint"],
                "+".join(space["serves"]) or "-",
            )
            for space in told
        ],
        right=(2, 4, 5),
    )


def _state(space: SpaceFilled) -> str:
    if space["waiting"]:
        return f"{space['waiting']} waiting"
    if space["failed"]:
        return f"{space['failed']} failed"
    return "complete" if space["wanted"] is not None else "imported"


def _tell_stopped(client: Client) -> None:
    if client.url is None:
        say("Stopping after the assets at hand. The same command continues.")
    else:
        say(f"The server at {client.url} goes on.")
