"""`semblance analyses` as a process of its own: run, listed, exported, run again, deleted."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.integration.test_cli import answered, finish, problem, run, start

VECTORS = {"north": [0, 1], "north-east": [0.4, 0.9], "south": [0, -1], "south-east": [0.4, -0.9]}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a collection `winds` of four imported rows, in a space `own`."""
    folder = tmp_path_factory.mktemp("analyses")
    file = folder / "rows.jsonl"
    rows = [{"id": name, "title": name, "vector": vector} for name, vector in VECTORS.items()]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ("spaces", "import", file, "--space", "own", "--new", "-c", "winds")
    finish(start(folder / "data", *words))
    return folder / "data"


def test_an_analysis_is_run_listed_exported_and_deleted(data: Path, tmp_path: Path) -> None:
    told = answered(data, "analyses", "run", "neighbours", "--set", "k=1")
    assert (told["state"], told["assets"], told["space"], told["kind"]) == (
        "done",
        4,
        "own",
        "text",
    )
    line, _ = run(data, "analyses", "list")
    assert any(
        row.split("\t")[1:2] == ["neighbours"] and row.endswith("up to date")
        for row in line.splitlines()
    )
    out, _ = run(data, "analyses", "show", told["id"][:8])
    assert out.startswith(f"neighbours {told['id']}: done\n")
    assert "k = 1" in out
    file = tmp_path / "near.csv"
    run(data, "analyses", "export", told["id"][:8], "neighbours", "--out", file)
    with file.open(newline="") as lines:
        near = {row["id"]: json.loads(row["neighbour_ids"])[0] for row in csv.DictReader(lines)}
    assert all(near[near[id]] == id for id in near), "north and north-east, south and south-east"
    again = answered(data, "analyses", "rerun", told["id"][:8])
    assert again["id"] != told["id"]
    _, err = run(data, "analyses", "delete", told["id"][:8], code=2)
    assert "--yes" in err
    run(data, "analyses", "delete", told["id"][:8], "--yes")
    assert problem(data, "analyses", "show", told["id"], code=3)["code"] == "analysis_not_found"


def test_what_is_wrong_is_said(data: Path) -> None:
    assert problem(data, "analyses", "run", "nonsense", code=3)["code"] == "not_found"
    assert problem(data, "analyses", "run", "neighbours", "--set", "k", code=2)
    wrong = problem(data, "analyses", "run", "neighbours", "--set", "k=0", code=2)
    assert "parameters.k" in wrong["message"]
    wrong = problem(data, "analyses", "run", "neighbours", "--within", "cluster 3", code=2)
    assert "ID:N" in wrong["message"]
    wrong = problem(data, "analyses", "run", "neighbours", "--kind", "image", code=2)
    assert "image" in wrong["message"]
