"""Clusters over the real API, on pictures and texts that anyone can sort."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from tests.integration.conftest import Live

COLOURS = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220)}
EACH = 8
NOTES = (
    *(f"Bread recipe {n}: flour, water, yeast and salt, baked in a hot oven." for n in range(6)),
    *(f"Ship's log, day {n}: the captain sailed the ship across the stormy sea." for n in range(6)),
)


@pytest.fixture
def pictures(live: Live, collection: str) -> str:
    """Twenty-four pictures of three colours in folders, indexed."""
    folder = live.open_folder / collection
    for name, (red, green, blue) in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for n in range(EACH):
            shade = (red, green, blue + 3 * n)
            image = PIL.Image.new("RGB", (96, 96), shade)
            image.paste((255, 255, 255), (4 * n, 4 * n, 4 * n + 20, 4 * n + 20))
            image.save(folder / name / f"{n}.png")
    index(live, collection, folder)
    return collection


def index(live: Live, collection: str, folder: Path) -> None:
    path = f"/v1/collections/{collection}/index"
    started = live.owner.post(path, json={"path": str(folder)})
    assert started.status_code == 202, started.text
    assert live.settled(collection, started.json()["id"])["state"] == "done"


def found(live: Live, collection: str, **parameters: object) -> dict[str, Any]:
    path = f"/v1/collections/{collection}/analyses/clusters?wait=60"
    answer = live.owner.post(path, json={"parameters": parameters})
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    assert told["state"] == "done", told
    return told


def table(live: Live, told: dict[str, Any], name: str) -> list[dict[str, Any]]:
    path = f"/v1/collections/{told['collection']}/analyses/{told['id']}/tables/{name}"
    rows: list[dict[str, Any]] = live.owner.get(path, params={"limit": 1000}).json()["rows"]
    return rows


def colours(live: Live, told: dict[str, Any]) -> dict[int, set[str]]:
    """The folders that the members of each cluster come from."""
    clusters: dict[int, set[str]] = {}
    for row in table(live, told, "members"):
        asset = live.owner.get(f"/v1/collections/{told['collection']}/assets/{row['id']}").json()
        folder = Path(asset["sources"][0]["path"]).parent.name
        clusters.setdefault(row["cluster"], set()).add(folder)
    return clusters


def test_pictures_are_clustered_edited_labelled_and_clustered_again(
    live: Live, pictures: str
) -> None:
    told = found(live, pictures, k=3)
    assert (told["summary"]["clusters"], told["summary"]["noise"]) == (3, 0)
    sorted_out = colours(live, told)
    assert sorted(map(sorted, sorted_out.values())) == [["blue"], ["green"], ["red"]]
    rows = table(live, told, "clusters")
    assert {row["size"] for row in rows} == {EACH}
    assert {row["named_by"] for row in rows} == {"vocabulary"}
    assert all(row["name"] and row["cohesion"] > 0.8 for row in rows)
    numbers = {next(iter(folders)): number for number, folders in sorted_out.items()}

    path = f"/v1/collections/{pictures}/analyses/{told['id']}/clusters"
    renamed = live.owner.patch(f"{path}/{numbers['red']}", json={"name": "Poppies"})
    assert renamed.status_code == 200, renamed.text

    # a run over the same keeps numbers, and the name that a person gave
    again = found(live, pictures, k=3)
    (poppies,) = (row for row in table(live, again, "clusters") if row["name"] == "Poppies")
    assert (poppies["cluster"], poppies["named_by"]) == (numbers["red"], "person")
    assert colours(live, again) == sorted_out

    body = {"clusters": [numbers["green"], numbers["blue"]], "name": "Cold"}
    merged = live.owner.post(f"{path}/merge", json=body)
    assert merged.json()["summary"]["clusters"] == 2, merged.text
    assert colours(live, told) == {numbers["red"]: {"red"}, numbers["green"]: {"green", "blue"}}
    first, second = table(live, told, "clusters")
    assert (first["name"], first["size"], second["name"]) == ("Cold", 2 * EACH, "Poppies")
    (root, *_) = table(live, told, "hierarchy")
    assert (root["parent"], root["size"]) == (None, 3 * EACH)

    labelled = live.owner.post(f"{path}/label", json={"field": "motif"})
    assert labelled.json() == {"labelled": 3 * EACH, "field": "motif"}
    question = {"filter": json.dumps({"field": "motif", "equals": "Poppies"}), "limit": "100"}
    answer = live.owner.get(f"/v1/collections/{pictures}/assets", params=question).json()
    paths = [Path(asset["sources"][0]["path"]) for asset in answer["assets"]]
    assert {path.parent.name for path in paths} == {"red"}
    undo = f"/v1/collections/{pictures}/analyses/{told['id']}/labels"
    undone = live.owner.delete(undo, params={"field": "motif"})
    assert undone.json() == {"field": "motif", "assets": 3 * EACH}


def test_new_pictures_are_assigned_and_a_cluster_is_drilled_into(live: Live, pictures: str) -> None:
    told = found(live, pictures, k=3)
    newcomer = live.open_folder / pictures / "red" / "new.png"
    PIL.Image.new("RGB", (96, 96), (221, 22, 22)).save(newcomer)
    index(live, pictures, live.open_folder / pictures)
    path = f"/v1/collections/{pictures}/analyses/{told['id']}"
    assert live.owner.get(path).json()["stale"]["added"] == 1

    assigned = live.owner.post(f"{path}/clusters/assign").json()
    assert assigned["assets"] == 3 * EACH + 1
    assert assigned["stale"] == {"added": 0, "removed": 0, "refilled": False}
    assert sorted(map(sorted, colours(live, told).values())) == [["blue"], ["green"], ["red"]]
    (largest, *_) = table(live, told, "clusters")
    assert largest["size"] == EACH + 1

    body = {
        "within": {
            "analysis": told["id"],
            "table": "members",
            "column": "cluster",
            "equals": largest["cluster"],
        },
        "parameters": {"k": 2},
    }
    url = f"/v1/collections/{pictures}/analyses/clusters?wait=60"
    inside = live.owner.post(url, json=body).json()
    assert (inside["assets"], inside["summary"]["clusters"]) == (EACH + 1, 2)


def test_texts_are_named_by_their_words(live: Live, collection: str) -> None:
    added = live.owner.post(
        f"/v1/collections/{collection}/assets", json={"texts": [{"text": text} for text in NOTES]}
    )
    live.settled(collection, added.json()["job"]["id"])
    told = found(live, collection)
    assert (told["kind"], told["summary"]["clusters"], told["summary"]["k"]) == ("text", 2, 2)
    assert "modularity" in told["summary"]["criterion"]
    names = sorted(row["name"] for row in table(live, told, "clusters"))
    assert "bread" in names[0] or "flour" in names[0]
    assert "ship" in names[1] or "captain" in names[1]
    assert any(row["chosen"] for row in table(live, told, "choices"))


def test_terms_of_ones_own_name_pictures(live: Live, pictures: str) -> None:
    told = found(live, pictures, k=3, terms=["red", "green", "blue"])
    names = {row["cluster"]: row["terms"][0] for row in table(live, told, "clusters")}
    assert {names[number]: folders for number, folders in colours(live, told).items()} == {
        colour: {colour} for colour in COLOURS
    }


def test_what_cannot_be_is_refused_with_the_remedy(live: Live, pictures: str) -> None:
    url = f"/v1/collections/{pictures}/analyses/clusters?wait=60"

    def refused(**parameters: object) -> str:
        told = live.owner.post(url, json={"parameters": parameters}).json()
        assert told.get("state", "failed") == "failed"
        return str((told.get("error") or told)["message"])

    assert "at most 24" in refused(k=25)
    assert "leave k out" in refused(by="density", k=3)
    assert "goes with by=density" in refused(smallest=5)
    assert "holds no term" in refused(terms=[" "])
    assert "cannot be read where the analysis runs" in refused(vocabulary="/nowhere/terms.csv")
    away = live.client.post(url, json={"parameters": {"vocabulary": "/etc/hostname"}})
    assert (away.status_code, away.json()["code"]) == (403, "forbidden")

    told = found(live, pictures, k=3)
    path = f"/v1/collections/{pictures}/analyses/{told['id']}/clusters"
    gone = live.owner.patch(f"{path}/99", json={"name": "x"})
    assert (gone.status_code, gone.json()["message"]) == (
        422,
        "There is no cluster 99. There are: 1, 2, 3.",
    )
    same = live.owner.post(f"{path}/merge", json={"clusters": [1, 1]})
    assert "at least two different" in same.json()["message"]
    taken = table(live, told, "clusters")[0]
    other = 1 + taken["cluster"] % 3
    twice = live.owner.patch(f"{path}/{other}", json={"name": taken["name"]})
    assert "is called" in twice.json()["message"]
    nothing = live.owner.post(f"{path}/label", json={"field": "!!"})
    assert "names no field" in nothing.json()["message"]


def test_density_says_how_much_is_in_no_cluster(live: Live, pictures: str) -> None:
    told = found(live, pictures, by="density", smallest=5)
    summary = told["summary"]
    inside = sum(row["size"] for row in table(live, told, "clusters"))
    assert summary["noise"] == 3 * EACH - inside
    assert summary["noise_share"] == pytest.approx(summary["noise"] / (3 * EACH), abs=1e-4)
    outside = [row for row in table(live, told, "members") if row["cluster"] == -1]
    assert len(outside) == summary["noise"]
