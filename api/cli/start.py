"""What a bare `semblance` shows: how to start, and what there is."""

from __future__ import annotations

import os
from pathlib import Path

from api.cli.output import page
from api.cli.session import Session

_COMMANDS = (
    ("semblance demo", "sample pictures and texts to play with"),
    ("semblance index PATH", "index a file or folder of your own"),
    ("semblance search a red boat", "find by meaning"),
)


def start() -> None:
    """Three commands to start with, and the collections in the data folder."""
    from rich.text import Text

    page().print(Text.assemble(("Semblance", "bold"), "  finds pictures and texts by meaning"))
    page().print()
    for command, purpose in _COMMANDS:
        page().print(Text.assemble(f"  {command:<29}", (purpose, "dim")))
    page().print()
    data = Session().settings().data
    names = collection_names(data)
    here = ", ".join(names) if names else "no collections yet"
    page().print(Text.assemble(("Data folder  ", "dim"), str(data)), soft_wrap=True)
    page().print(Text.assemble(("Collections  ", "dim"), here), soft_wrap=True)
    page().print(Text.assemble(("More         ", "dim"), "semblance --help, semblance status"))


def collection_names(data: Path) -> list[str]:
    """Names of the collections of a data folder, without opening it."""
    try:
        entries = list(os.scandir(data / "collections"))
    except OSError:
        return []
    return sorted(each.name for each in entries if each.is_dir() and each.name[0] != ".")
