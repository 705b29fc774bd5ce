"""Maps over HTTP, from Python and as a command: drawn, kept, shown in tiles and as a picture."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from api.client import Client
from tests.integration.conftest import Live
from tests.integration.planets import EACH, GROUPS, imported, numbers, rows_file
from tests.integration.test_cli import answered, problem, run

ALL = range(len(GROUPS) * EACH)


@pytest.fixture
def planets(live: Live) -> Iterator[str]:
    """Sixty rows of three groups, but for the last three."""
    name = f"planets-{uuid.uuid4().hex[:8]}"
    file = rows_file(live.open_folder, ALL[:-3], f"{name}.jsonl")
    imported(live, name, "own", {"path": str(file)})
    yield name
    live.owner.delete(f"/v1/collections/{name}")


def drawn(live: Live, collection: str, **parameters: object) -> dict[str, Any]:
    path = f"/v1/collections/{collection}/analyses/map?wait=60"
    asked = {"space": "own", "parameters": {"seed": 1, **parameters}}
    answer = live.client.post(path, json=asked)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    assert told["state"] == "done", told["error"]
    return told


def read(content: bytes) -> pa.Table:
    return pa.ipc.open_stream(content).read_all()


def test_a_map_is_drawn_and_what_comes_later_is_placed_into_it(live: Live, planets: str) -> None:
    first = drawn(live, planets)
    assert (first["summary"]["drawn"], first["summary"]["assets"]) == ("anew", 57)
    assert first["summary"]["trustworthiness"] > 0.8
    path = f"/v1/collections/{planets}/map/{first['id']}"
    before = read(live.client.get(f"{path}/points").content)

    file = rows_file(live.open_folder, ALL[-3:], f"{planets}-more.jsonl")
    imported(live, planets, "own", {"path": str(file)})
    gone = before["id"][0].as_py()
    live.client.post(f"/v1/collections/{planets}/assets/delete", json={"ids": [gone]})
    assert live.client.get(f"/v1/collections/{planets}/analyses/{first['id']}").json()["stale"] == {
        "added": 3,
        "removed": 1,
        "refilled": False,
    }

    second = drawn(live, planets)
    assert (second["summary"]["drawn"], second["summary"]["placed"]) == ("kept", 3)
    again = f"/v1/collections/{planets}/map/{second['id'][:8]}/points"
    after = {row["id"]: row for row in read(live.client.get(again).content).to_pylist()}
    assert len(after) == 59
    assert gone not in after
    for row in before.to_pylist()[1:]:
        kept = after[row["id"]]
        assert (kept["x"], kept["y"], kept["placed"]) == (row["x"], row["y"], False)
    assert drawn(live, planets, redraw=True)["summary"]["drawn"] == "anew"


def test_a_umap_stays_as_it_is_while_other_maps_are_drawn(live: Live, planets: str) -> None:
    umap = drawn(live, planets)
    drawn(live, planets, by="pca")
    drawn(live, planets, seed=2)
    again = drawn(live, planets)
    assert (again["summary"]["drawn"], again["summary"]["placed"]) == ("kept", 0)
    one, other = (
        read(live.client.get(f"/v1/collections/{planets}/map/{id}/points").content)
        for id in (umap["id"], again["id"])
    )
    assert one.select(["id", "x", "y"]).to_pylist() == other.select(["id", "x", "y"]).to_pylist()


def test_points_come_with_columns_of_analyses_and_metadata(live: Live, planets: str) -> None:
    chart, other = drawn(live, planets), drawn(live, planets, by="pca")
    ids = numbers(live, planets)
    path = f"/v1/collections/{planets}/map/{chart['id']}/points"
    asked = {"colour": f"{other['id']}:map.pc3", "field": "class"}
    table = read(live.client.get(path, params=asked).content)
    assert table.column_names[:4] == ["id", "kind", "x", "y"]
    assert table.column_names[-2:] == ["pc3", "metadata.class"]
    for row in table.to_pylist():
        assert row["metadata.class"] == GROUPS[ids[row["id"]] % 3]
        assert row["pc3"] is not None
    few = read(live.client.get(path, params={"limit": 5}).content)
    assert few["id"].to_pylist() == table["id"].to_pylist()[:5]


def test_an_answer_that_is_there_is_not_sent_again(live: Live, planets: str) -> None:
    chart = drawn(live, planets)
    path = f"/v1/collections/{planets}/map/{chart['id']}"
    for part in ("points", "tiles/0/0/0"):
        answer = live.client.get(f"{path}/{part}")
        known = {"If-None-Match": answer.headers["ETag"]}
        assert live.client.get(f"{path}/{part}", headers=known).status_code == 304
        other = live.client.get(f"{path}/points?limit=3", headers=known)
        assert other.status_code == 200
    # metadata may change: it is asked for each time
    assert "ETag" not in live.client.get(f"{path}/points?field=class").headers


def test_tiles_and_names(live: Live, planets: str) -> None:
    chart = drawn(live, planets)
    path = f"/v1/collections/{planets}/map/{chart['id']}"
    whole = read(live.client.get(f"{path}/tiles/0/0/0").content)
    assert whole.num_rows == 57
    assert chart["summary"]["deepest_level"] == 0
    assert read(live.client.get(f"{path}/tiles/1/0/1").content).num_rows == 0
    names = live.client.get(f"{path}/names", params={"colour": f"{chart['id']}:map.kind"}).json()
    assert [(one["group"], one["name"], one["size"]) for one in names] == [("text", "text", 57)]


@pytest.mark.parametrize(
    ("part", "status", "says"),
    [
        ("tiles/1/2/0", 422, "There is no tile 1/2/0"),
        ("points?colour=cluster", 422, "ID:TABLE.COLUMN"),
        ("points?colour=00000000:members.cluster", 404, "no analysis"),
        ("names?colour=ID:map.sense", 422, "has no column 'sense'"),
        ("names?colour=ID:members.cluster", 422, "no table 'members'"),
    ],
)
def test_what_is_not_there_is_said(
    live: Live, planets: str, part: str, status: int, says: str
) -> None:
    chart = drawn(live, planets, by="pca")
    path = f"/v1/collections/{planets}/map/{chart['id']}/{part.replace('ID', chart['id'])}"
    answer = live.client.get(path)
    assert answer.status_code == status, answer.text
    assert says in answer.json()["message"]


def test_maps_from_python(live: Live, planets: str) -> None:
    client = Client(live.url)
    told = client.analyse("map", planets, space="own", parameters={"by": "pca"})
    points = read(client.map_points(told["id"], planets, fields=["class"], limit=10))
    assert points.num_rows == 10
    assert read(client.map_tile(told["id"], 0, 0, 0, planets)).num_rows == 57
    assert client.map_names(told["id"], f"{told['id']}:map.kind", planets)[0]["size"] == 57
    client.close()


def test_the_command_draws_a_picture_and_writes_the_rows(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    data = tmp_path_factory.mktemp("maps") / "data"
    words = ("spaces", "import", rows_file(tmp_path, ALL), "--space", "own", "--new", "-c", "sky")
    run(data, *words)
    scope = ("-c", "sky", "--space", "own")
    picture, table = tmp_path / "map.png", tmp_path / "map.parquet"
    out, err = run(
        data, "map", *scope, "--png", picture, "--size", 300, "--colour", "class", "--out", table
    )
    assert err.startswith("Drew 60 texts of sky in space own.")
    assert "Trustworthiness 0." in err
    assert len(out.splitlines()) == 10
    with PIL.Image.open(picture) as image:
        assert image.size == (300, 300)
        colours = {colour for _, colour in image.convert("RGB").getcolors(90_000) or []}
    assert len(colours) > 10
    kept = pq.read_table(table)
    assert kept.num_rows == 60
    about = json.loads(kept.schema.metadata[b"semblance"])
    assert (about["analysis"], about["parameters"]["by"]) == ("map", "umap")

    told = answered(data, "map", *scope, "--by", "lda", "--colour", "class", "-n", 3)
    assert told["analysis"]["summary"]["by"] == "lda"
    assert len(told["rows"]) == 3
    refused = problem(data, "map", *scope, "--by", "lda", code=2)
    assert "needs `label`" in refused["message"]
    refused = problem(data, "map", *scope, "--png", picture, "--colour", "sense", code=2)
    assert "None of these assets has anything in 'sense'" in refused["message"]
    refused = problem(data, "map", *scope, "--out", "map.xls", code=2)
    assert "map.xls does not say how" in refused["message"]
