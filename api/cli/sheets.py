"""Contact sheets: one HTML file with small pictures in it, to be looked at, sent, or printed."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.analysing import place
from api.cli.files import write
from api.cli.output import say
from indexer.errors import NotFound, SemblanceError, Unavailable

if TYPE_CHECKING:
    from api.answers import Asset
    from api.client import Client

SheetOption = Annotated[
    Path | None,
    typer.Option(
        "--html", metavar="FILE", help="Also write the rows with their pictures to one HTML file."
    ),
]

_TEXT_SHOWN = 280

_STYLE = """
:root { color-scheme: light dark; --line: #d8d8d4; --soft: #666; --back: #fafaf8; --card: #fff }
@media (prefers-color-scheme: dark) {
  :root { --line: #3a3a3c; --soft: #a0a0a0; --back: #18181a; --card: #222225 } }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 84rem;
  padding: 0 1.2rem; background: var(--back) }
h1 { font-size: 1.35rem; font-weight: 600; margin: 0 }
header p { color: var(--soft); margin: .3rem 0 1.6rem }
main { display: grid; gap: 1rem; align-items: start;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, var(--row)), 1fr)) }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: .7rem .8rem .8rem; break-inside: avoid }
h2 { font-size: .95rem; font-weight: 600; margin: 0 0 .5rem }
div { display: flex; flex-wrap: wrap; gap: .7rem }
figure { margin: 0; width: 11rem; flex: 0 1 11rem; min-width: 0 }
img, blockquote { display: block; width: 100%; height: 9rem; object-fit: contain; margin: 0;
  background: var(--back); border-radius: .3rem }
blockquote { box-sizing: border-box; padding: .5rem .6rem; overflow: hidden; font-size: .85rem }
figcaption { font-size: .8rem; color: var(--soft); overflow-wrap: anywhere; margin-top: .3rem }
figcaption b { display: block; font-weight: 500; color: CanvasText }
a { color: inherit; text-decoration: none }
a:hover { text-decoration: underline }
"""


@dataclass(frozen=True, slots=True)
class Card:
    """One asset on a sheet, with a few words in bold above its path."""

    id: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Strip:
    """What is looked at side by side: a stranger and its nearest, the members of a group."""

    cards: Sequence[Card]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page of strips; `assets` by id, as the API tells them beside rows."""

    title: str
    about: str
    strips: Sequence[Strip]
    assets: dict[str, Asset]


def write_sheet(client: Client, collection: str, sheet: Sheet, out: Path) -> None:
    """Write the sheet with all its pictures in it. Raises `InvalidInput` if that cannot be done."""
    write((piece.encode("utf-8", "replace") for piece in _page(client, collection, sheet)), out)
    say(f"Pictures are in {out}.")


def _page(client: Client, collection: str, sheet: Sheet) -> Iterator[str]:
    widest = max((len(strip.cards) for strip in sheet.strips), default=1)
    yield (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(sheet.title)}</title><style>{_STYLE}"
        f"main {{ --row: {min(widest, 6) * 11.7 + 1.8:.1f}rem }}</style></head><body>\n"
        f"<header><h1>{escape(sheet.title)}</h1><p>{escape(sheet.about)}</p></header>\n<main>\n"
    )
    for strip in sheet.strips:
        yield f"<section><h2>{escape(strip.title)}</h2><div>\n"
        for card in strip.cards:
            yield _figure(client, collection, card, sheet.assets.get(card.id))
        yield "</div></section>\n"
    yield "</main></body></html>\n"


def _figure(client: Client, collection: str, card: Card, asset: Asset | None) -> str:
    path = escape(place(asset))
    uri = asset["sources"][0]["uri"] if asset is not None and asset["sources"] else ""
    if uri.startswith("file:") and "!/" not in uri:
        path = f'<a href="{escape(uri)}">{path}</a>'
    words = f"<b>{escape(card.words)}</b>" if card.words else ""
    shown = _shown(client, collection, asset)
    return f"<figure>{shown}<figcaption>{words}{path}</figcaption></figure>\n"


def _shown(client: Client, collection: str, asset: Asset | None) -> str:
    """The picture itself, or the beginning of the text."""
    if asset is None:
        return "<blockquote>It was deleted since.</blockquote>"
    if asset["kind"] == "text":
        text = asset["text"] or ""
        more = "…" if len(text) > _TEXT_SHOWN else ""
        return f"<blockquote>{escape(text[:_TEXT_SHOWN])}{more}</blockquote>"
    try:
        data = client.thumbnail(asset["id"], collection)
    except Unavailable:
        raise
    except SemblanceError as error:
        gone = "It is not there any more." if isinstance(error, NotFound) else error.message
        return f"<blockquote>{escape(gone)}</blockquote>"
    encoded = base64.b64encode(data).decode()
    return f'<img alt="" loading="lazy" src="data:image/webp;base64,{encoded}">'
