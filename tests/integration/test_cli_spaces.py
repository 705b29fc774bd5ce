"""`semblance spaces` as a process of its own: own vectors in, searched, listed, dropped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.integration.test_cli import finish, start


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a collection `spectra` of two imported rows, in a space `own`."""
    folder = tmp_path_factory.mktemp("spaces")
    rows = [
        {"id": "s1", "title": "iron", "vector": [1, 0]},
        {"id": "s2", "title": "copper", "vector": [0, 1]},
        {"id": "s3", "title": "tin", "vector": [0, 0]},
    ]
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ("spaces", "import", file, "--space", "own", "--new", "-c", "spectra")
    out, _ = finish(start(folder / "data", *words))
    assert out.startswith("Imported 2 vectors into space own of spectra.\n")
    assert "3 = 2 indexed + 1 failed" in out
    return folder / "data"


def run(data: Path, *words: object, code: int = 0) -> tuple[str, str]:
    return finish(start(data, *words), code)


def parsed(data: Path, *words: object) -> Any:
    return json.loads(run(data, *words, "--json")[0])


def test_spaces_are_listed_with_their_counts(data: Path) -> None:
    (space,) = parsed(data, "spaces", "list", "-c", "spectra")
    assert (space["name"], space["embedder"], space["dimension"]) == ("own", "imported", 2)
    assert (space["vectors"], space["wanted"], space["complete"]) == (2, None, True)
    line, _ = run(data, "spaces", "list", "-c", "spectra")
    assert line.startswith("own\timported\t2\ttext\t2\t-")


def test_a_vector_from_a_file_finds_its_nearest(data: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "query.npy", np.array([1, 9], dtype=np.float64))
    (tmp_path / "query.json").write_text("[1, 9]")
    for name in ("query.npy", "query.json"):
        answer = parsed(data, "search", "--vector", tmp_path / name, "-n", 1)
        assert [hit["text"] for hit in answer["hits"]] == ["copper"]


def test_a_file_that_is_no_vector_says_so(data: Path, tmp_path: Path) -> None:
    (tmp_path / "query.json").write_text('{"vector": [1]}')
    _, err = run(data, "search", "--vector", tmp_path / "query.json", code=2)
    assert "query.json is no single vector" in err


def test_words_find_texts_and_are_refused_by_the_imported_space(data: Path) -> None:
    answer = parsed(data, "search", "copper")
    assert [(hit["text"], hit["space"]) for hit in answer["hits"]] == [("copper", "bm25")]
    _, err = run(data, "search", "copper", "--space", "own", code=2)
    assert "holds imported vectors" in err


def test_the_purpose_of_the_rows_must_be_said(data: Path, tmp_path: Path) -> None:
    _, err = run(data, "spaces", "import", tmp_path / "x.npy", "--space", "own", code=2)
    assert "--match" in err
    assert "--new" in err


def test_switching_says_what_is_in_the_way(data: Path) -> None:
    listed, _ = run(data, "spaces", "switch", "own", "-c", "spectra")
    assert listed.rstrip().endswith("\ttext")
    _, err = run(data, "spaces", "switch", "--back", "-c", "spectra", code=4)
    assert "none was switched" in err
    _, err = run(data, "spaces", "switch", "-c", "spectra", code=2)
    assert "--back" in err
    _, err = run(data, "spaces", "switch", "other", "-c", "spectra", code=3)
    assert "it has: own" in err


def test_dropping_asks_and_keeps_the_last_space(data: Path) -> None:
    _, err = run(data, "spaces", "drop", "own", "-c", "spectra", code=2)
    assert "--yes" in err
    _, err = run(data, "spaces", "drop", "own", "-c", "spectra", "--yes", code=4)
    assert "only space" in err
    _, err = run(data, "spaces", "drop", "other", "-c", "spectra", "--yes", code=3)
    assert "it has: own" in err
