"""How hits look: for people two calm lines each, for programs one tab-separated line each."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from api.cli.output import clean, for_people, number, page, say

if TYPE_CHECKING:
    from rich.text import Text

    from api.answers import Answer, Hit, Source

_KIND_WIDTH = 5
_SNIPPET_LINES = 2


CLEAR = 0.5
"""Relevance from which the API calls a hit a clear match."""


def show(answer: Answer, *, first: int = 1) -> None:
    """All hits on stdout; `first` is the rank of the first one."""
    hits = answer["hits"]
    if not for_people():
        for hit in hits:
            sys.stdout.write("\t".join(_fields(hit)) + "\n")
        return
    rank_width = len(str(first + len(hits) - 1))
    for rank, hit in enumerate(hits, first):
        for line in _lines(hit, rank, rank_width, page().width):
            page().print(line, no_wrap=True, overflow="ellipsis", crop=True)


def honest(answer: Answer, collection: str, *, min_relevance: float | None = None) -> None:
    """A remark where nothing matches: the nearest is always somebody."""
    told = [hit["relevance"] for hit in answer["hits"]]
    if told and all(each is not None and each < CLEAR for each in told):
        say(f"Nothing in '{collection}' clearly matches; the nearest are shown.")
    elif not told and min_relevance:
        say(
            f"Nothing in '{collection}' matches with a relevance of {min_relevance:.0%} or more. "
            "Without --min-relevance the nearest are shown."
        )


def footer(answer: Answer, *, limit: int, offset: int) -> None:
    """How long it took and how to see more, for people."""
    if not for_people() or not answer["hits"]:
        return
    shown = len(answer["hits"])
    spent = answer["milliseconds"].get("total", 0.0)
    took = f"{spent:.0f} ms" if spent < 1000 else f"{spent / 1000:.1f} s"
    more = f" · more: --offset {offset + limit}" if shown == limit else ""
    say(f"{number(shown, 'hit')} in {took}{more}", "dim")


def note_filling(answer: Answer) -> None:
    """Say which spaces are not filled yet: there may be better hits than these."""
    for one in answer["filling"]:
        say(
            f"Space {one['space']} is still being filled: {one['vectors']:,} of "
            f"{one['wanted']:,} assets can be found in it so far.",
            "yellow",
        )


def place(source: Source | None) -> str:
    """Where it was found: path, and page or row after a colon."""
    if source is None:
        return "(no source)"
    part = source.get("page") or source.get("row")
    return f"{source['path']}:{part}" if part else source["path"]


def file_uri(hit: Hit) -> str | None:
    """The URI of the hit's file; None for members of archives and uploads."""
    uri = hit["source"]["uri"] if hit["source"] else ""
    return uri if uri.startswith("file:") and "!/" not in uri else None


def _fields(hit: Hit) -> Sequence[str]:
    snippet = hit.get("snippet") or ""
    return (
        "" if hit["relevance"] is None else f"{hit['relevance']:.4f}",
        hit["kind"],
        clean(place(hit["source"])),
        " ".join(clean(snippet).split()),
    )


def _lines(hit: Hit, rank: int, rank_width: int, width: int) -> list[Text]:
    from rich.text import Text

    indent = rank_width + 2 + 6 + 2 + _KIND_WIDTH + 2
    others = hit.get("others") or []
    more = f"  +{len(others)}" if others else ""
    where = shortened(clean(place(hit["source"])), width - indent - len(more))
    uri = file_uri(hit)
    link = f"link {uri}" if uri else ""
    head = Text.assemble(
        (f"{rank:>{rank_width}}  ", "dim"),
        _told(hit),
        (f"{hit['kind']:<{_KIND_WIDTH}}  ", "dim"),
        (where, link),
        (more, "dim"),
    )
    snippet = _snippet(hit)
    if snippet is None:
        return [head]
    wrapped = list(snippet.wrap(page(), width - indent))
    if len(wrapped) > _SNIPPET_LINES:
        wrapped = wrapped[:_SNIPPET_LINES]
        last = wrapped[-1]
        last.rstrip()
        if len(last) > width - indent - 2:
            last.truncate(max(last.plain.rfind(" "), 1))
        last.append(" …", "dim")
    return [head, *(Text.assemble(" " * indent, line) for line in wrapped)]


def _told(hit: Hit) -> tuple[str, str]:
    """Relevance in percent, dim below a clear match; a cosine where relevance is not known."""
    relevance = hit["relevance"]
    if relevance is None:
        return f"{hit['score']:6.3f}  ", "dim"
    # Rounded down: what is below a clear match must not read 50 %.
    return f"{int(100 * relevance):5}%  ", "" if relevance >= CLEAR else "dim"


def _snippet(hit: Hit) -> Text | None:
    from rich.text import Text

    snippet = hit.get("snippet")
    if not snippet:
        return None
    text = Text(clean(snippet), style="dim")
    for start, end in hit.get("highlights") or []:
        text.stylize("not dim bold", start, end)
    return text


def shortened(path: str, width: int) -> str:
    """The path as short as it can be said here: below this folder, below home, or its end."""
    here, home = os.getcwd() + os.sep, str(Path.home()) + os.sep
    if path.startswith(here):
        path = path[len(here) :]
    elif path.startswith(home):
        path = "~" + os.sep + path[len(home) :]
    if len(path) <= width or width < 2:
        return path
    return "…" + path[-(width - 1) :]
