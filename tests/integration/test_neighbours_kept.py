"""The kept neighbour graph follows what is added and deleted, over the real API."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.integration.conftest import Live
from tests.lab import png


def send(live: Live, collection: str, colours: list[tuple[int, int, int]]) -> None:
    files = [("files", (f"{one}.png", png(one))) for one in colours]
    sent = live.owner.post(f"/v1/collections/{collection}/assets/upload", files=files)
    sent.raise_for_status()
    live.settled(collection, sent.json()["job"]["id"])


def neighbours(live: Live, collection: str, **body: object) -> list[dict[str, Any]]:
    path = f"/v1/collections/{collection}/analyses"
    parameters = {"parameters": {"k": 5}, **body}
    answer = live.owner.post(f"{path}/neighbours", json=parameters, params={"wait": 60})
    answer.raise_for_status()
    table = f"{path}/{answer.json()['id']}/tables/neighbours"
    rows: list[dict[str, Any]] = live.owner.get(table, params={"limit": 100}).json()["rows"]
    return rows


def kept(live: Live, collection: str) -> list[dict[str, Any]]:
    path = f"/v1/collections/{collection}/analyses"
    graphs: list[dict[str, Any]] = live.owner.get(path, params={"name": "graph"}).json()
    return graphs


def test_a_second_analysis_finds_what_a_fresh_graph_does(live: Live, collection: str) -> None:
    chance = random.Random(7)
    colours = [tuple(chance.randrange(256) for _ in range(3)) for _ in range(31)]
    send(live, collection, colours[:28])  # type: ignore[arg-type]
    before = neighbours(live, collection)
    (former,) = kept(live, collection)
    assert (former["assets"], former["summary"]) == (28, {"k": 16, "recall": 1.0})

    send(live, collection, colours[28:])  # type: ignore[arg-type]
    gone = [before[0]["id"], before[7]["id"]]
    for id in gone:
        live.owner.delete(f"/v1/collections/{collection}/assets/{id}").raise_for_status()
    after = neighbours(live, collection)

    (graph,) = kept(live, collection)
    assert graph["id"] != former["id"]
    assert (graph["assets"], graph["summary"]) == (29, {"k": 16, "recall": 1.0})
    # a filter that leaves everything in: such a graph is never taken from the kept one
    everything = {"field": "kind", "equals": "image"}
    fresh = neighbours(live, collection, filter=everything)
    assert len(after) == len(fresh) == 29
    for kept_row, fresh_row in zip(after, fresh, strict=True):
        assert kept_row["id"] == fresh_row["id"]
        assert not set(kept_row["neighbour_ids"]) & set(gone)
        assert kept_row["similarities"] == pytest.approx(fresh_row["similarities"], abs=1e-5)
    assert [one["id"] for one in kept(live, collection)] == [graph["id"]]
