"""A second model and imported vectors over HTTP, on a running server with real models."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pytest

from tests.integration.conftest import Live

TEXTS = ("The lighthouse was built in 1884.", "Bread is made of flour and water.")


@pytest.fixture
def notes(live: Live, collection: str) -> str:
    """Two texts, indexed by the default model."""
    added = live.client.post(
        f"/v1/collections/{collection}/assets", json={"texts": [{"text": text} for text in TEXTS]}
    )
    live.settled(collection, added.json()["job"]["id"])
    return f"/v1/collections/{collection}"


def filled(live: Live, notes: str, space: str) -> dict[str, Any]:
    for _ in range(300):
        told: dict[str, Any] = live.client.get(f"{notes}/spaces/{space}").json()
        if told["complete"]:
            return told
        time.sleep(0.1)
    raise AssertionError(f"It is not filled: {told}")


def settled(live: Live, notes: str, expected: dict[str, list[str]]) -> None:
    for _ in range(100):
        told = serving(live.client.get(f"{notes}/spaces").json())
        if told == expected:
            return
        time.sleep(0.1)
    raise AssertionError(f"It stays so: {told}")


def serving(spaces: list[dict[str, Any]]) -> dict[str, list[str]]:
    return {space["name"]: space["serves"] for space in spaces}


def test_a_second_model_is_filled_searched_switched_to_and_dropped(live: Live, notes: str) -> None:
    added = live.client.post(f"{notes}/spaces", json={"model": "minilm"})
    assert added.status_code == 202, added.text
    told = filled(live, notes, "minilm")
    assert (told["vectors"], told["wanted"], told["waiting"], told["failed"]) == (2, 2, 0, 0)
    assert [one["name"] for one in live.client.get(f"{notes}/spaces").json()] == ["mini", "minilm"]

    question = {"text": "a beacon for ships", "space": "minilm", "limit": 1}
    answer = live.client.post(f"{notes}/search", json=question).json()
    assert [(hit["text"], hit["space"]) for hit in answer["hits"]] == [(TEXTS[0], "minilm")]

    # texts: the specialist answers by itself once it is filled, until another is switched to
    settled(live, notes, {"mini": ["image"], "minilm": ["text"]})
    switched = live.client.post(f"{notes}/spaces/mini/switch", json={})
    assert switched.status_code == 200, switched.text
    assert serving(switched.json()) == {"mini": ["image", "text"], "minilm": []}
    answer = live.client.post(f"{notes}/search", json={"text": "a beacon for ships"}).json()
    assert {hit["space"] for hit in answer["hits"]} == {"mini"}
    kept = live.client.delete(f"{notes}/spaces/minilm")
    assert (kept.status_code, kept.json()["code"]) == (409, "conflict")
    back = live.client.post(f"{notes}/spaces/switch-back")
    assert serving(back.json()) == {"mini": ["image"], "minilm": ["text"]}
    nowhere = live.client.post(f"{notes}/spaces/nowhere/switch", json={})
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "space_not_found")

    assert live.client.delete(f"{notes}/spaces/minilm?force=true").status_code == 204
    gone = live.client.get(f"{notes}/spaces/minilm")
    assert (gone.status_code, gone.json()["code"]) == (404, "space_not_found")
    never = live.client.post(f"{notes}/spaces/switch-back")
    assert (never.status_code, never.json()["code"]) == (409, "conflict")
    last = live.client.delete(f"{notes}/spaces/mini")
    assert (last.status_code, last.json()["code"]) == (409, "conflict")


def test_a_model_that_does_not_exist_is_not_added(live: Live, notes: str) -> None:
    wrong = live.client.post(f"{notes}/spaces", json={"model": "no-such-model"})
    assert (wrong.status_code, wrong.json()["code"]) == (404, "model_not_found")


def test_imported_vectors_are_matched_and_asked(live: Live, notes: str, collection: str) -> None:
    first, second = live.client.get(f"{notes}/assets").json()["assets"]
    np.save(live.open_folder / "v.npy", np.array([[3, 4], [4, 3], [1, 1]], dtype=np.float32))
    (live.open_folder / "v.txt").write_text(f"{first['id']}\n{second['id']}\nnobody\n")
    given = {"path": str(live.open_folder / "v.npy"), "match": "id"}
    started = live.client.post(f"{notes}/spaces/own/import", json=given)
    assert started.status_code == 202, started.text
    job = live.settled(collection, started.json()["id"])
    assert (job["state"], job["tally"]["vectors"], job["tally"]["unmatched"]) == ("done", 2, 1)
    assert job["remarks"] == ["Row 3 (nobody) matches no asset."]

    asked = {"vector": [30, 40], "space": "own"}
    hits = live.client.post(f"{notes}/search", json=asked).json()["hits"]
    scores = [(hit["id"], round(hit["score"], 3)) for hit in hits]
    assert scores == [(first["id"], 1.0), (second["id"], 0.96)]

    words = live.client.post(f"{notes}/search", json={"text": "bread", "space": "own"})
    assert words.status_code == 422
    assert "asset or a raw vector" in words.json()["message"]


def test_rows_become_assets_of_a_collection_that_is_made_for_them(live: Live) -> None:
    rows = [{"id": n, "title": f"sample {n}", "vector": [n, 1]} for n in (1, 2)]
    file = live.open_folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    started = live.client.post(
        "/v1/collections/samples/spaces/own/import", json={"path": str(file)}
    )
    assert started.status_code == 202, started.text
    job = live.settled("samples", started.json()["id"])
    assert (job["totals"]["indexed"], job["tally"]["vectors"]) == (2, 2)
    found = live.client.post("/v1/collections/samples/search", json={"text": "sample"}).json()
    assert {(hit["space"], *hit["matched"]) for hit in found["hits"]} == {("bm25", "words")}
    live.owner.delete("/v1/collections/samples")


def test_clients_may_import_from_the_folders_that_are_open_to_them(live: Live, notes: str) -> None:
    refused = live.client.post(f"{notes}/spaces/own/import", json={"path": "/etc/hostname"})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
