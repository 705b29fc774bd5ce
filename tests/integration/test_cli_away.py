"""The command line where a server is away, and where a setting is wrong."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path

import pytest

from tests.integration.test_cli import COMMAND, ROOT, WAIT_SECONDS, environment, problem
from tests.qdrant_stand_in import StandIn


def told(data: Path, settings: dict[str, str], *words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [*COMMAND, *words],
        cwd=ROOT,
        env={**environment(data), **settings},
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
def test_status_counts_while_redis_is_away(tmp_path: Path) -> None:
    with socket.socket() as nobody, StandIn() as qdrant:
        nobody.bind(("127.0.0.1", 0))  # and nobody listens there
        settings = {
            "SEMBLANCE_QDRANT_URL": qdrant.url,
            "SEMBLANCE_QDRANT_GRPC": "false",
            "SEMBLANCE_REDIS_URL": f"redis://127.0.0.1:{nobody.getsockname()[1]}/0",
        }
        assert told(tmp_path, settings, "collections", "create", "things")[0] == 0
        code, out, err = told(tmp_path, settings, "status")
        assert code == 0, err
        assert "things" in out
        assert "found     0 = 0 indexed" in out
        assert "workers: Redis does not answer" in out
        code, out, err = told(tmp_path, settings, "status", "--json")
        answer = json.loads(out)
        assert answer["workers"] is None
        assert [one["name"] for one in answer["collections"]] == ["things"]


@pytest.mark.parametrize(
    ("variable", "value", "form"),
    [
        ("SEMBLANCE_FOLDERS", "/tmp/x", '["one", "another"]'),
        ("SEMBLANCE_ALLOWED_HOSTS", "[1]", '["one", "another"]'),
        ("SEMBLANCE_REDIS_URL", "http://:secret@foo", "redis://"),
        ("SEMBLANCE_REDIS_URL", "nonsense", "redis://"),
        ("SEMBLANCE_REDIS_URL", "redis://host:port", "redis://"),
    ],
)
def test_a_wrong_setting_is_named_with_its_form(
    tmp_path: Path, variable: str, value: str, form: str
) -> None:
    code, _, err = told(tmp_path, {variable: value}, "status")
    assert code == 2
    assert variable in err
    assert form in err
    assert "secret" not in err
    code, out, _ = told(tmp_path, {variable: value}, "doctor")
    assert code == 1
    assert out.startswith("problem")
    assert variable in out


def test_an_empty_id_is_wrong_input(tmp_path: Path) -> None:
    assert problem(tmp_path, "jobs", "show", "", "-c", "default", code=2)["code"] == "invalid_input"
    assert problem(tmp_path, "jobs", "show", "", code=2)["code"] == "invalid_input"
