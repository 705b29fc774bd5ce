"""Labels of folders, doubted, learnt, spread and saved: through the command line and the API."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Live
from tests.integration.test_cli import answered, finish, problem, run, start
from tests.lab import png

WARM = [(250 - 7 * n, 10 * n, 4 * n) for n in range(8)]
COLD = [(4 * n, 10 * n, 250 - 7 * n) for n in range(8)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder with a server, where red and blue pictures have their folder as label.

    Of eight each, one red picture lies among the blue, and two of each lie in no such folder.
    """
    folder = tmp_path_factory.mktemp("labels")
    for name, colours in (("red", WARM), ("blue", COLD)):
        for number, colour in enumerate(colours):
            place = folder / "sorted" / name if number < 6 else folder / "loose"
            if (name, number) == ("red", 0):
                place = folder / "sorted" / "blue"
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{name}-{number}.png").write_bytes(png(colour, (64, 64)))
    server = start(folder / "data", "serve", "--port", 0, "--json")
    assert server.stdout is not None
    assert json.loads(server.stdout.readline())["url"]
    run(folder / "data", "index", folder / "sorted", "--labels")
    run(folder / "data", "index", folder / "loose")
    yield folder / "data"
    server.send_signal(signal.SIGINT)
    finish(server)


def test_labels_are_propagated_saved_found_and_taken_out(data: Path) -> None:
    told = answered(data, "propagate", "label", "-k", "3", "--save", "guess")
    assert told["analysis"]["summary"]["labelled"] == 12
    assert (len(told["rows"]), told["saved"]) == (4, 4)
    guessed = answered(data, "search", "a colour", "--where", "guess=red|blue", "--least")
    names = {Path(hit["source"]["path"]).name for hit in guessed["hits"]}
    assert names == {"red-6.png", "red-7.png", "blue-6.png", "blue-7.png"}

    id = told["analysis"]["id"][:8]
    assert problem(data, "labels", "save", id, "label", "--at-least", "2", code=2)
    assert answered(data, "labels", "drop", id, "guess") == {"field": "guess", "assets": 4}
    assert answered(data, "search", "a colour", "--where", "guess?")["hits"] == []


def test_a_picture_in_the_wrong_folder_is_a_candidate(data: Path) -> None:
    out, err = run(data, "label-errors", "label")
    first = out.splitlines()[0].split("\t")
    assert first[1:3] == ["blue", "red"]
    assert first[4].endswith("red-0.png")
    assert "among 12 labels" in err
    assert "semblance labels save" in err


def test_a_probe_is_told_by_class_and_by_likeness(data: Path, tmp_path: Path) -> None:
    out, err = run(data, "probe", "label")
    assert {line.split("\t")[0] for line in out.splitlines()} == {"red", "blue"}
    assert "it had not seen are told right" in err
    out, _ = run(data, "probe", "label", "--like", "red", "-n", "2")
    most = [line.split("\t") for line in out.splitlines() if line.startswith("most")]
    assert len(most) == 2
    assert all("red-" in line[3] for line in most)
    file = tmp_path / "red.npy"
    answered(data, "probe", "label", "--like", "red", "--out", file)
    hits = answered(data, "search", "--vector", file, "-n", "3")["hits"]
    assert all("red-" in hit["source"]["path"] for hit in hits)
    assert (
        "there are: blue, red"
        in problem(data, "probe", "label", "--like", "green", code=2)["message"]
    )


def test_classes_come_from_words_or_from_a_file(data: Path, tmp_path: Path) -> None:
    told = answered(data, "classify", "a red square", "a blue square", "-n", "3")
    assert sum(told["analysis"]["summary"]["counts"].values()) == 16
    assert len(told["rows"]) == 3
    file = tmp_path / "labels.txt"
    file.write_text("a red square\n\na blue square\n")
    listed = answered(data, "classify", "--list", file)
    assert listed["analysis"]["summary"]["labels"] == ["a red square", "a blue square"]
    missing = problem(data, "classify", "--list", tmp_path / "none.txt", code=2)
    assert "none.txt" in missing["message"]
    assert "at least 2" in problem(data, "classify", "one", code=2)["message"]


@pytest.fixture
def pictures(live: Live, collection: str) -> str:
    files = [("files", (f"{n}.png", png(colour, (64, 64)))) for n, colour in enumerate(WARM + COLD)]
    sent = live.owner.post(f"/v1/collections/{collection}/assets/upload", files=files)
    sent.raise_for_status()
    live.settled(collection, sent.json()["job"]["id"])
    return collection


def analyse(live: Live, collection: str, name: str, **parameters: object) -> dict[str, Any]:
    answer = live.owner.post(
        f"/v1/collections/{collection}/analyses/{name}",
        json={"parameters": parameters},
        params={"wait": 60},
    )
    answer.raise_for_status()
    told: dict[str, Any] = answer.json()
    return told


def test_labels_are_saved_over_the_api_and_nothing_is_overwritten(
    live: Live, pictures: str
) -> None:
    path = f"/v1/collections/{pictures}/analyses"
    first = analyse(live, pictures, "classification", labels=["red", "blue"])
    saved = live.owner.post(f"{path}/{first['id']}/labels", json={"field": "tone"})
    assert (saved.status_code, saved.json()) == (200, {"field": "tone", "assets": 16})

    other = analyse(live, pictures, "classification", labels=["hot", "icy"])
    refused = live.owner.post(f"{path}/{other['id'][:8]}/labels", json={"field": "tone"})
    assert refused.status_code == 409
    assert "no value is overwritten" in refused.json()["message"]

    undone = live.owner.delete(f"{path}/{first['id']}/labels", params={"field": "tone"})
    assert undone.json() == {"field": "tone", "assets": 16}
    twice = live.owner.delete(f"{path}/{first['id']}/labels", params={"field": "tone"})
    assert (twice.status_code, twice.json()["code"]) == (404, "not_found")
    again = live.owner.post(f"{path}/{other['id'][:8]}/labels", json={"field": "tone"})
    assert again.status_code == 200


def test_what_gives_no_labels_is_said(live: Live, pictures: str) -> None:
    path = f"/v1/collections/{pictures}/analyses"
    told = analyse(live, pictures, "neighbours", k=2)

    answer = live.owner.post(f"{path}/{told['id']}/labels", json={"field": "tone"})

    assert answer.status_code == 422
    assert "gives no labels" in answer.json()["message"]
    assert live.owner.post(f"{path}/{told['id']}/labels", json={"field": ""}).status_code == 422


def test_a_prototype_is_a_search_query(live: Live, pictures: str) -> None:
    """As docs/labels.md shows it."""
    path = f"/v1/collections/{pictures}/analyses"
    first = analyse(live, pictures, "classification", labels=["red", "blue"])
    live.owner.post(f"{path}/{first['id']}/labels", json={"field": "tone"}).raise_for_status()
    probe = analyse(live, pictures, "probe", label="tone")
    rows = live.owner.get(f"{path}/{probe['id']}/tables/prototypes").json()["rows"]
    extremes = live.owner.get(f"{path}/{probe['id']}/tables/extremes").json()["rows"]

    body = {"vector": rows[0]["vector"], "space": "mini", "limit": 3}
    hits = live.owner.post(f"/v1/collections/{pictures}/search", json=body).json()["hits"]

    most = [row for row in extremes if (row["label"], row["end"]) == (rows[0]["label"], "most")]
    assert [hit["id"] for hit in hits] == [row["id"] for row in most[:3]]
