"""deploy/env.example tells every setting, with its real default, and nothing that is none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from indexer.settings import Settings

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "deploy/env.example"

FOREIGN = frozenset(
    {
        "AWS_ACCESS_KEY_ID",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "GRAFANA_PASSWORD",
        "HF_HOME",
        "HF_HUB_OFFLINE",
        "HF_TOKEN",
    }
)
"""What libraries and other programs read."""

FACTORIES = {"data": "the user's data folder", "cache": "the user's cache folder"}


@dataclass(frozen=True)
class Line:
    """One variable: whether it is in force, its value, and the comment above it."""

    active: bool
    value: str
    comment: str


def told() -> dict[str, Line]:
    found: dict[str, Line] = {}
    comment: list[str] = []
    for line in EXAMPLE.read_text().splitlines():
        variable = re.fullmatch(r"(#?)([A-Z][A-Z0-9_]*)=(.*)", line)
        if variable:
            assert variable[2] not in found, f"{variable[2]} is told twice"
            found[variable[2]] = Line(not variable[1], variable[3], "\n".join(comment))
        elif line.startswith("#"):
            comment.append(line.removeprefix("#").strip())
        else:
            assert not line, f"neither a variable nor a comment: {line!r}"
            comment = []
    return found


def default_of(name: str, field: FieldInfo) -> str:
    default = field.default
    if default is PydanticUndefined:
        return FACTORIES[name]
    if default is None:
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    return "[]" if default == () else str(default)


def variables() -> dict[str, str]:
    """Name of each setting by its variable."""
    return {f"SEMBLANCE_{name.upper()}": name for name in Settings.model_fields}


def test_every_setting_is_told_and_nothing_else_is() -> None:
    assert set(told()) == set(variables()) | FOREIGN
    assert not FOREIGN & set(variables())


@pytest.mark.parametrize("variable", sorted(variables()))
def test_defaults_told_are_the_real_ones(variable: str) -> None:
    name = variables()[variable]
    default = default_of(name, Settings.model_fields[name])
    last = told()[variable].comment.splitlines()[-1]
    assert last == f"Default: {default}"


def test_every_variable_is_explained() -> None:
    silent = [
        name for name, line in told().items() if name not in FOREIGN and "\n" not in line.comment
    ]
    assert silent == []


def test_values_told_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, line in told().items():
        monkeypatch.setenv(name, line.value)
    settings = Settings()
    assert settings.qdrant_url == "http://qdrant:6333"
    assert settings.allowed_hosts == ("search.example.org",)


def test_a_copy_without_changes_sets_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, line in told().items():
        if line.active:
            monkeypatch.setenv(name, line.value)
    assert Settings().api_key is None
    assert Settings().metrics_key is None


def test_every_setting_is_in_the_documentation() -> None:
    text = (ROOT / "docs/configuration.md").read_text()
    assert [name for name in variables() if f"| `{name}` |" not in text] == []
