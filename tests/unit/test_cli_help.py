"""Help, mistakes and the page of documentation, which shows the real help."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli.main import app

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "cli.md"

_BLOCK = re.compile(r"```text\n\$ (semblance[^\n]*--help)\n(.*?)```\n", re.S)
_NAMES = re.compile(r"^  ([a-z][a-z-]*)  +\S", re.M)


def real_help(command: str) -> str:
    """What the command prints in a terminal of 80 columns."""
    words = command.split()[1:]
    told = CliRunner().invoke(
        app, words, prog_name="semblance", env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"}
    )
    assert told.exit_code == 0
    return "\n".join(line.rstrip() for line in told.stdout.splitlines()) + "\n"


def all_commands() -> Iterator[str]:
    """Every command with its groups, as they are typed for help."""
    names = _NAMES.findall(real_help("semblance --help").partition("Commands:")[2])
    for name in names:
        command = f"semblance {name} --help"
        inner = _NAMES.findall(real_help(command).partition("Commands:")[2])
        yield from (f"semblance {name} {each} --help" for each in inner)
        if not inner or "--json" in real_help(command):  # a group may be a command, too
            yield command


def test_the_page_shows_the_real_help() -> None:
    """SEMBLANCE_WRITE_DOCS=1 writes the page's blocks anew."""
    page = PAGE.read_text(encoding="utf-8")
    fresh = _BLOCK.sub(lambda m: f"```text\n$ {m[1]}\n{real_help(m[1])}```\n", page)
    if os.environ.get("SEMBLANCE_WRITE_DOCS"):
        PAGE.write_text(fresh, encoding="utf-8")
    assert fresh == page, "docs/cli.md is out of date: run with SEMBLANCE_WRITE_DOCS=1"


def test_the_page_leaves_no_command_out() -> None:
    shown = {command for command, _ in _BLOCK.findall(PAGE.read_text(encoding="utf-8"))}
    assert set(all_commands()) <= shown


@pytest.mark.parametrize("option", ["--data", "--json", "--verbose"])
def test_every_command_has_the_shared_options(option: str) -> None:
    assert [command for command in all_commands() if option not in real_help(command)] == []


def test_help_fits_eighty_columns() -> None:
    wide = [
        line
        for command in ["semblance --help", *all_commands()]
        for line in real_help(command).splitlines()
        if len(line) > 80
    ]
    assert wide == []


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys, api.cli.main; heavy = {'torch', 'fastapi', 'qdrant_edge', 'pydantic', 'numpy',"
        " 'httpx', 'uvicorn', 'PIL'}; print(sorted(heavy & set(sys.modules)))"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout == "[]\n"
