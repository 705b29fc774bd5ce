"""Two spaces compared over HTTP and as a command."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.integration.conftest import Live
from tests.integration.planets import EACH, GROUPS, imported, rows_file, second_space, vectors
from tests.integration.test_cli import problem, run

ALL = range(len(GROUPS) * EACH)


@pytest.fixture
def planets(live: Live) -> Iterator[str]:
    """Sixty rows in space `own`; in `turned` the same, turned; in `mixed` at random."""
    name = f"planets-{uuid.uuid4().hex[:8]}"
    file = rows_file(live.open_folder, ALL, f"{name}.jsonl")
    imported(live, name, "own", {"path": str(file)})
    chance = np.random.default_rng(0)
    turn = np.linalg.qr(chance.normal(size=(8, 8)))[0]
    second_space(live, name, "turned", np.array(vectors()) @ turn)
    second_space(live, name, "mixed", chance.normal(size=(60, 5)))
    yield name
    live.owner.delete(f"/v1/collections/{name}")


def compared(live: Live, collection: str, **parameters: object) -> dict[str, Any]:
    path = f"/v1/collections/{collection}/analyses/comparison?wait=60"
    answer = live.client.post(path, json={"space": "own", "parameters": parameters})
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_the_same_turned_is_the_same_and_another_one_is_not(live: Live, planets: str) -> None:
    same = compared(live, planets, other="turned", label="class")["summary"]
    assert same["overlap"] > 0.99
    assert same["clusters"]["ari"] == 1
    assert same["labels"]["space"]["knn_accuracy"] == same["labels"]["other"]["knn_accuracy"] == 1
    told = compared(live, planets, other="mixed", label="class")
    assert told["summary"]["overlap"] < 0.4
    assert told["summary"]["labels"]["other"]["knn_accuracy"] < 0.7

    path = f"/v1/collections/{planets}/analyses/{told['id']}/tables/disagreeing"
    page = live.client.get(path, params={"limit": 1, "assets": True}).json()
    (row,) = page["rows"]
    named = {row["id"], *row["neighbour_ids"], *row["other_neighbour_ids"]}
    assert named == set(page["assets"])
    assert {table["name"] for table in told["tables"]} == {"disagreeing", "outliers", "assets"}


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"other": "own"}, "compared with itself"),
        ({"other": "nowhere"}, "no space 'nowhere'"),
        ({"other": "mixed", "label": "colour"}, "metadata field 'colour'"),
    ],
)
def test_what_cannot_be_compared_is_said(
    live: Live, planets: str, parameters: dict[str, object], says: str
) -> None:
    told = compared(live, planets, **parameters)
    assert told["state"] == "failed"
    assert says in told["error"]["message"]


def test_only_assets_with_both_vectors_are_compared(live: Live, planets: str) -> None:
    file = rows_file(live.open_folder, [0], f"{planets}-more.jsonl")
    file.write_text(file.read_text().replace("number 0", "number 60").replace('"p0"', '"p60"'))
    imported(live, planets, "own", {"path": str(file)})
    summary = compared(live, planets, other="turned")["summary"]
    assert (summary["assets"], summary["only_in_space"]) == (60, 1)


def test_the_command_says_the_verdict_first(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    data = tmp_path_factory.mktemp("compared") / "data"
    words = ("spaces", "import", rows_file(tmp_path, ALL), "--space", "own", "--new", "-c", "sky")
    run(data, *words)
    out, _ = run(data, "export", "-c", "sky", "--format", "csv")
    ids = [line.split(",")[0] for line in out.splitlines()[1:]]
    chance = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    np.save(tmp_path / "v.npy", chance)
    (tmp_path / "v.txt").write_text("".join(f"{id}\n" for id in ids))
    second = (tmp_path / "v.npy", "--space", "mixed", "--match", "id", "-c", "sky")
    run(data, "spaces", "import", *second)

    table = tmp_path / "all.csv"
    asked = ("compare", "own", "mixed", "-c", "sky", "--label", "class", "-n", 2, "--out", table)
    out, err = run(data, *asked)
    lines = err.splitlines()
    assert lines[0].startswith(
        "Compared own with mixed over 60 assets of sky that have a vector in both. "
    )
    assert lines[1].startswith("Very different: of each asset's 10 nearest neighbours")
    assert "'own' tells the classes of 'class' apart better" in lines[2]
    assert len(out.splitlines()) == 2
    assert table.read_text().startswith("id,overlap,jaccard,")
    refused = problem(data, "compare", "own", "nowhere", "-c", "sky", code=2)
    assert "no space 'nowhere'" in refused["message"]
