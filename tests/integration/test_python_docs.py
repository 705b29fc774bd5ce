"""docs/python.md says nothing that does not run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.client import connect

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
_BLOCK = re.compile(r"```python\n(.*?)```", re.S)


def test_the_code_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    skimage = pytest.importorskip("skimage")
    photos = tmp_path / "photos"
    photos.mkdir()
    samples = Path(skimage.__file__).parent / "data"
    for name, sample in {"cat.png": "chelsea.png", "cup.png": "coffee.png"}.items():
        (photos / name).write_bytes((samples / sample).read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEMBLANCE_DATA", str(tmp_path / "data"))
    names: dict[str, object] = {}
    blocks = _BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) == 8
    with connect():  # one engine for all blocks: each `connect` of theirs finds this one
        for block in blocks:
            exec(compile(block, str(PAGE), "exec"), names)
