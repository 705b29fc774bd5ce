"""`semblance demo`: sample pictures and texts, three searches, and the page to play with."""

from __future__ import annotations

import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import hits
from api.cli.index import Wanted, existing, run_job
from api.cli.output import emit, for_people, number, page, say
from api.cli.serve import PortOption, announce
from api.cli.session import Session, command

if TYPE_CHECKING:
    from api.address import Address
    from api.client import Client
    from indexer.settings import Settings

COLLECTION = "demo"
_HITS = 4


@dataclass(frozen=True, slots=True)
class Question:
    """An example search: words, or an asset to be like; `about` says which."""

    about: str
    text: str | None = None
    like: str | None = None
    kind: str | None = None


_QUESTIONS = (
    Question("a rocket before launch", text="a rocket before launch", kind="image"),
    Question("a cup of coffee", text="a cup of coffee", kind="image"),
    Question("how to sort a list", text="how to sort a list", kind="text"),
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, examples=("semblance demo", "semblance demo --from ~/Pictures"))(demo)


def demo(
    session: Session,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", help="Index this folder, not the samples."),
    ] = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only print the address of the page.")
    ] = False,
    port: PortOption = None,
) -> None:
    """Play with sample pictures and texts in the browser.

    Indexes them, runs three searches, and serves the search page until Ctrl-C.
    """
    settings = session.using(port=port).settings()
    wanted = _wanted(settings, source)
    opening = not no_browser and sys.stdout.isatty()

    from api.address import published

    address = published(settings.data)
    if address is not None and address.url is not None:
        _present(session, address, wanted)
        _open(address.url, opening)
        return
    _serve(session, settings, wanted, opening)


def _wanted(settings: Settings, source: Path | None) -> Wanted:
    if source is not None:
        folder = existing(source)
        return Wanted(folder, collection_name(folder))
    from indexer.samples import NOTES, make_samples

    samples = make_samples(settings.data / "samples")
    return Wanted(samples, COLLECTION, exclude=[NOTES], labels=True)


def collection_name(folder: Path) -> str:
    """A Collection's name made of the folder's: letters, digits, - and _."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", folder.name).strip("-_").lower()
    return name[:60] or "folder"


def _serve(session: Session, settings: Settings, wanted: Wanted, opening: bool) -> None:
    """One engine for all: the presentation runs on a thread beside the server."""
    from api.server import serve

    failed: list[BaseException] = []

    def present(address: Address) -> None:
        try:
            _present(session, address, wanted)
            _announce(session, address, opening)
        except BaseException as error:
            failed.append(error)
            signal.raise_signal(signal.SIGINT)  # ends the server, which has the main thread

    def ready(address: Address) -> None:
        threading.Thread(target=present, args=(address,), daemon=True).start()

    say("Starting …", "dim")
    serve(settings, open_browser=False, on_ready=ready)
    if failed:
        raise failed[0]


def _present(session: Session, address: Address, wanted: Wanted) -> None:
    from api.client import Client

    with closing(Client(address.url, socket=address.socket, token=address.token)) as client:
        done = run_job(client, wanted)
        found = done.after
        say(
            f"{number(found['indexed'], 'picture or text', 'pictures and texts')} from "
            f"{wanted.path} can be searched ({done.seconds:.0f} s)."
        )
        for question in _questions(client, wanted):
            _ask(session, client, wanted, question)


def _questions(client: Client, wanted: Wanted) -> Sequence[Question]:
    if wanted.collection == COLLECTION:
        return _QUESTIONS
    return list(_likenesses(client, wanted.collection))


def _likenesses(client: Client, collection: str) -> Iterator[Question]:
    """In a folder that nobody knows, three of its own pictures or texts are the questions."""
    for asset, _ in zip(client.assets(collection, status="indexed"), range(3), strict=False):
        name = asset["sources"][0]["path"] if asset["sources"] else asset["id"]
        yield Question(f"like {Path(name).name}", like=asset["id"])


def _ask(session: Session, client: Client, wanted: Wanted, question: Question) -> None:
    answer = client.search(
        question.text,
        like=question.like or [],
        kind=question.kind,
        collection=wanted.collection,
        limit=_HITS,
    )
    if session.as_json:
        emit({"question": question.about, **answer})
        return
    if for_people():
        page().print(f"\nSearch: {question.about}", style="bold", markup=False)
    hits.show(answer)


def _announce(session: Session, address: Address, opening: bool) -> None:
    if session.as_json:
        emit({"url": address.url})
    else:
        say()
        announce(address)
    if address.url is not None:
        _open(address.url, opening)


def _open(url: str, opening: bool) -> None:
    if opening:
        import webbrowser

        webbrowser.open(url)
