"""`semblance clusters` as a process of its own: found, shown, edited, saved as labels."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.integration.test_cli import answered, finish, problem, run, start

THINGS = ("boat", "bread", "tulip")
EACH = 6


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A server over `market`: six boats, loaves and tulips each, in three directions."""
    folder = tmp_path_factory.mktemp("clusters")
    rows, chance = [], np.random.default_rng(0)
    for place, thing in enumerate(THINGS):
        for n in range(EACH):
            vector = np.eye(8)[place] + 0.05 * chance.standard_normal(8)
            title = f"a {thing} and more {thing} {n}"
            rows.append({"id": f"{thing} {n}", "title": title, "vector": vector.tolist()})
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ("spaces", "import", file, "--space", "own", "--new", "-c", "market")
    finish(start(folder / "data", *words))
    server = start(folder / "data", "serve", "--port", 0, "--json")
    assert server.stdout is not None
    server.stdout.readline()
    yield folder / "data"
    server.send_signal(signal.SIGINT)
    finish(server)


def test_clusters_are_found_shown_edited_and_saved_as_labels(data: Path) -> None:
    told = answered(data, "clusters", "-c", "market")
    names = {row["name"].split(",")[0]: row["cluster"] for row in told["rows"]}
    assert set(names) == set(THINGS)
    assert (told["analysis"]["summary"]["k"], told["analysis"]["summary"]["noise"]) == (3, 0)
    id = told["analysis"]["id"][:8]

    out, err = run(data, "clusters", "show", id, "-c", "market")
    assert [line.split("\t")[1] for line in out.splitlines()] == ["6", "6", "6"]
    assert "Clustered 18 texts of market in space own." in err
    assert "3 clusters, by the modularity of the neighbour graph" in err

    out, _ = run(data, "clusters", "rename", id, names["boat"], "Ships", "-c", "market")
    assert out == f"Cluster {names['boat']} is called Ships now.\n"
    out, _ = run(data, "clusters", "tree", id, "-c", "market")
    assert out.startswith("18 in 3 clusters")
    assert f"{names['boat']}: Ships (6)" in out
    out, _ = run(data, "clusters", "tree", id, "--groups", 3, "-c", "market")
    assert len(out.splitlines()) == 3

    merging = ("merge", id, names["bread"], names["tulip"], "--name", "Stalls")
    run(data, "clusters", *merging, "-c", "market")
    out, _ = run(data, "clusters", "show", id, "-c", "market")
    assert [line.split("\t")[:4:3] for line in out.splitlines()] == [
        [f"{names['bread']}", "Stalls"],
        [f"{names['boat']}", "Ships"],
    ]
    out, _ = run(data, "clusters", "assign", id, "-c", "market")
    assert "up to date; 0 assets in none" in out
    out, _ = run(data, "clusters", "label", id, "motif", "-c", "market")
    assert out == "18 assets labelled.\n"
    ships = answered(data, "search", "boat", "--where", "motif=Ships", "-c", "market")["hits"]
    assert len(ships) == EACH
    assert {hit["text"].split()[1] for hit in ships} == {"boat"}

    within = answered(
        data, "clusters", "--within", f"{id}:{names['boat']}", "-k", 2, "-c", "market"
    )
    assert (within["analysis"]["assets"], len(within["rows"])) == (EACH, 2)


def test_what_is_wrong_is_said(data: Path) -> None:
    assert "at most 18" in problem(data, "clusters", "-k", 19, "-c", "market", code=2)["message"]
    _, err = run(data, "clusters", "-c", "market", "show", "abcd", code=2)
    assert "unexpected extra argument" in err
    terms = problem(data, "clusters", "--vocabulary", "/nowhere", "-c", "market", code=2)
    assert "cannot be read" in terms["message"]
