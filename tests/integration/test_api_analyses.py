"""Analyses over the API: at once or in the background, told, read row by row, exported."""

from __future__ import annotations

import io
import json
import time
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.integration.conftest import Live
from tests.lab import png

COLOURS = [(255, 0, 0), (240, 20, 20), (0, 0, 255), (20, 20, 240), (0, 255, 0), (250, 250, 250)]


@pytest.fixture
def pictures(live: Live, collection: str) -> str:
    """A collection of six pictures."""
    files = [("files", (f"{place}.png", png(colour))) for place, colour in enumerate(COLOURS)]
    sent = live.owner.post(f"/v1/collections/{collection}/assets/upload", files=files)
    sent.raise_for_status()
    assert live.settled(collection, sent.json()["job"]["id"])["totals"]["indexed"] == 6
    return collection


def analyse(live: Live, collection: str, wait: float = 60, **body: object) -> dict[str, Any]:
    path = f"/v1/collections/{collection}/analyses/neighbours"
    answer = live.owner.post(path, json=body, params={"wait": wait})
    answer.raise_for_status()
    told: dict[str, Any] = answer.json()
    return told


def test_a_small_collection_is_answered_at_once(live: Live, pictures: str) -> None:
    path = f"/v1/collections/{pictures}/analyses/neighbours"
    answer = live.owner.post(path, json={"parameters": {"k": 2}}, params={"wait": 60})
    assert answer.status_code == 201
    told = answer.json()
    assert (told["state"], told["assets"], told["space"], told["kind"]) == (
        "done",
        6,
        "mini",
        "image",
    )
    assert told["parameters"] == {"k": 2, "seed": 0}
    assert told["stale"] == {"added": 0, "removed": 0, "refilled": False}
    (table,) = told["tables"]
    assert (table["name"], table["rows"]) == ("neighbours", 6)


def test_a_long_one_is_followed_by_its_id(live: Live, pictures: str) -> None:
    path = f"/v1/collections/{pictures}/analyses"
    answer = live.owner.post(f"{path}/neighbours", json={}, params={"wait": 0})
    assert answer.status_code == 202
    id = answer.json()["id"]
    for _ in range(600):
        told = live.owner.get(f"{path}/{id[:8]}").json()
        if told["state"] == "done":
            break
        time.sleep(0.1)
    assert told["state"] == "done"
    assert [one["id"] for one in live.owner.get(path, params={"name": "neighbours"}).json()] == [id]


def test_rows_come_with_the_assets_they_name(live: Live, pictures: str) -> None:
    told = analyse(live, pictures, parameters={"k": 1})
    table = f"/v1/collections/{pictures}/analyses/{told['id']}/tables/neighbours"
    page = live.owner.get(table, params={"limit": 2, "offset": 1, "assets": True}).json()
    assert (page["total"], len(page["rows"])) == (6, 2)
    assert set(page["columns"]) == {"id", "neighbour_ids", "similarities"}
    for row in page["rows"]:
        assert row["id"] in page["assets"]
        assert row["neighbour_ids"][0] in page["assets"]
    assert "assets" in page
    assert live.owner.get(table).json()["assets"] == {}


@pytest.mark.parametrize("format", ["parquet", "csv", "jsonl", "arrow"])
def test_a_table_is_exported_whole(live: Live, pictures: str, format: str) -> None:
    told = analyse(live, pictures, parameters={"k": 2})
    path = f"/v1/collections/{pictures}/analyses/{told['id']}/tables/neighbours/file"
    answer = live.owner.get(path, params={"format": format})
    assert answer.status_code == 200
    assert f"neighbours-neighbours.{format}" in answer.headers["Content-Disposition"]
    if format == "csv":
        lines = answer.text.splitlines()
        assert (lines[0], len(lines)) == ("id,neighbour_ids,similarities", 7)
        return
    if format == "jsonl":
        read = [json.loads(line) for line in answer.text.splitlines()]
    elif format == "parquet":
        table = pq.read_table(io.BytesIO(answer.content))
        assert json.loads(table.schema.metadata[b"semblance"])["assets"] == 6
        read = table.to_pylist()
    else:
        read = pa.ipc.open_stream(answer.content).read_all().to_pylist()
    assert len(read) == 6
    assert {len(row["neighbour_ids"]) for row in read} == {2}


def test_it_is_run_again_when_something_was_added(live: Live, pictures: str) -> None:
    told = analyse(live, pictures)
    sent = live.owner.post(
        f"/v1/collections/{pictures}/assets/upload", files=[("files", ("x.png", png((9, 99, 9))))]
    )
    live.settled(pictures, sent.json()["job"]["id"])
    path = f"/v1/collections/{pictures}/analyses/{told['id']}"
    assert live.owner.get(path).json()["stale"]["added"] == 1
    again = live.owner.post(f"{path}/rerun", params={"wait": 60}).json()
    assert (again["state"], again["assets"], again["stale"]["added"]) == ("done", 7, 0)
    assert again["id"] != told["id"]
    assert live.owner.get(path).json()["assets"] == 6  # the former one is kept


def test_what_is_wrong_is_named(live: Live, pictures: str, collection: str) -> None:
    path = f"/v1/collections/{pictures}/analyses"

    def refused(name: str, **body: object) -> tuple[int, str]:
        answer = live.owner.post(f"{path}/{name}", json=body)
        return answer.status_code, answer.json()["message"]

    assert refused("nonsense")[0] == 404
    assert "neighbours" in refused("nonsense")[1]
    assert refused("neighbours", parameters={"k": 0})[0] == 422
    assert "parameters.q" in refused("neighbours", parameters={"q": 1})[1]
    assert refused("neighbours", space="nope") == (
        422,
        f"Collection {pictures!r} has no space 'nope'; it has: mini.",
    )
    status, message = refused("neighbours", kind="text")
    assert status == 422
    assert "needs at least 2; there are 0 texts" in message
    assert live.owner.get(f"{path}/{'0' * 8}").status_code == 404
    told = analyse(live, pictures)
    assert live.owner.get(f"{path}/{told['id']}/tables/nope").status_code == 422
    assert live.owner.post(f"{path}/{told['id']}/cancel").status_code == 409
    wrong = {"column": "similarities", "value": "x"}
    table = f"{path}/{told['id']}/tables/neighbours"
    assert live.owner.get(table, params=wrong).status_code == 422


def test_a_deleted_one_is_gone_with_its_tables(live: Live, pictures: str) -> None:
    told = analyse(live, pictures)
    path = f"/v1/collections/{pictures}/analyses/{told['id']}"
    assert live.owner.delete(path).status_code == 204
    assert live.owner.get(path).status_code == 404


def test_an_empty_collection_is_said_to_be_one(live: Live, collection: str) -> None:
    path = f"/v1/collections/{collection}/analyses/neighbours"
    answer = live.owner.post(path, json={})
    assert (answer.status_code, answer.json()["code"]) == (422, "too_few_assets")
    assert live.owner.get(f"/v1/collections/{collection}/analyses").json() == []
