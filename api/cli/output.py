"""What is written and where: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


@cache
def page() -> Console:
    """The console for results."""
    from rich.console import Console

    return Console(highlight=False, emoji=False)


@cache
def screen() -> Console:
    """The console for progress, remarks and errors."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, emoji=False)


def for_people() -> bool:
    """True if results go to a terminal; else they are plain, one line each, for programs."""
    return sys.stdout.isatty()


def emit(value: object) -> None:
    """One JSON document on stdout, at once: a program may be waiting for it."""
    indent = 2 if for_people() else None
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=indent) + "\n")
    sys.stdout.flush()


def say(text: str = "", style: str | None = None) -> None:
    """A remark on stderr: wrapped between words for people, one line for logs."""
    screen().print(text, style=style, markup=False, soft_wrap=not screen().is_terminal)


def clean(text: str) -> str:
    """The text without control characters: a file's name must not steer the terminal."""
    if text.isprintable():
        return text
    return "".join(
        " " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in text
    )


def rows(header: Sequence[str], body: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
    """A table: aligned with its header for people, tab-separated for programs.

    `right` are the columns of numbers. The last column takes the lines that it needs.
    """
    if not for_people():
        for row in body:
            sys.stdout.write("\t".join(clean(cell) for cell in row) + "\n")
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for place, title in enumerate(header):
        last = place == len(header) - 1
        table.add_column(
            title,
            justify="right" if place in right else "left",
            overflow="fold",
            no_wrap=not last,
        )
    for row in body:
        table.add_row(*(Text(clean(cell)) for cell in row))
    page().print(table)


def size(count: float) -> str:
    """Bytes as people read them: 12.3 MB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def number(count: int, noun: str, plural: str | None = None) -> str:
    """A count with its noun: 1 picture, 1,024 pictures."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
