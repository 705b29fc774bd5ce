"""docs/api.md says nothing that a server does not do."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.conftest import Live
from tests.lab import png

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
_BLOCK = re.compile(r"```sh\n(.*?)```", re.S)


def test_the_calls_of_the_page_work(live: Live, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    folder = live.open_folder / "2026"
    folder.mkdir()
    for place in (folder / "dog.png", tmp_path / "cat.jpg", tmp_path / "cup.jpg"):
        place.write_bytes(png())
    code = "\n".join(_BLOCK.findall(PAGE.read_text(encoding="utf-8")))
    assert code.count("curl") >= 11
    code = code.replace("http://localhost:7700", live.url).replace(
        "/srv/pictures/2026", str(folder)
    )
    code = re.sub("KEY='.*'", "KEY='Accept: */*'", code)  # this server has none
    # what the page calls --json is spelt out, for the curls that do not know it
    code = code.replace("--json", "-H 'Content-Type: application/json' -d")
    script = (
        'set -eo pipefail\ncurl() { command curl --fail-with-body -sS -o answer "$@"; }\n' + code
    )
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    for name in ("photos", "notes"):
        live.owner.delete(f"/v1/collections/{name}")
    answer = tmp_path / "answer"
    assert done.returncode == 0, (done.stderr, answer.read_text() if answer.exists() else "")


def test_a_missing_collection_says_how_one_is_made(live: Live) -> None:
    missing = live.client.post(
        "/v1/collections/nowhere/assets/upload", files=[("files", ("red.png", png()))]
    )
    assert missing.status_code == 404
    assert "POST /v1/collections" in missing.json()["details"]["remedy"]
