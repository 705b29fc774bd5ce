"""Aliases over HTTP and from Python: a collection is swapped while it is in use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.client import Client
from indexer.errors import AliasNotFound, CollectionExists, CollectionNotFound, Conflict
from tests.integration.conftest import TOKEN, Live

OLD, NEW = "The lighthouse was built in 1884.", "The lighthouse was painted red in 2026."


@pytest.fixture
def other(live: Live, collection: str) -> Iterator[str]:
    """The name of a second collection, indexed beside the first."""
    name = f"{collection}-2026"
    live.owner.post("/v1/collections", json={"name": name}).raise_for_status()
    yield name
    live.owner.delete(f"/v1/collections/{name}")


@pytest.fixture
def alias(collection: str) -> str:
    """A name that nothing has yet; it goes with what it leads to."""
    return f"{collection}-alias"


def lead(live: Live, alias: str, collection: str) -> httpx.Response:
    return live.client.put(f"/v1/aliases/{alias}", json={"collection": collection})


def add(live: Live, collection: str, text: str) -> dict[str, Any]:
    body = {"texts": [{"text": text}]}
    added = live.client.post(f"/v1/collections/{collection}/assets", json=body)
    assert added.status_code == 202, added.text
    job: dict[str, Any] = added.json()["job"]
    return job


def found(live: Live, collection: str) -> list[str]:
    question = {"text": "a beacon for ships"}
    answer = live.client.post(f"/v1/collections/{collection}/search", json=question)
    assert answer.status_code == 200, answer.text
    return [hit["text"] for hit in answer.json()["hits"]]


def test_a_collection_is_swapped_and_swapped_back(
    live: Live, collection: str, other: str, alias: str
) -> None:
    for name, text in ((collection, OLD), (other, NEW)):
        live.settled(name, add(live, name, text)["id"])
    told = lead(live, alias, collection)
    assert (told.status_code, told.json()) == (200, {"alias": alias, "collection": collection})
    assert found(live, alias) == [OLD]
    assert {"alias": alias, "collection": collection} in live.client.get("/v1/aliases").json()

    lead(live, alias, other)
    assert found(live, alias) == [NEW]
    described = live.client.get(f"/v1/collections/{alias}").json()
    assert (described["name"], described["aliases"]) == (other, [alias])
    listed = {one["name"]: one["aliases"] for one in live.client.get("/v1/collections").json()}
    assert listed[collection] == []
    assert listed[other] == [alias]
    assert alias not in listed

    lead(live, alias, collection)
    assert found(live, alias) == [OLD]
    (asset,) = live.client.get(f"/v1/collections/{alias}/assets").json()["assets"]
    content = live.client.get(f"/v1/collections/{alias}/assets/{asset['id']}/content")
    assert content.text == OLD


def test_what_is_begun_in_one_collection_ends_there(
    live: Live, collection: str, other: str, alias: str
) -> None:
    lead(live, alias, collection)
    job = add(live, alias, OLD)
    lead(live, alias, other)  # whether or not the text has its vector by now
    assert job["collection"] == collection
    live.settled(collection, job["id"])
    assert found(live, collection) == [OLD]
    assert found(live, alias) == found(live, other) == []
    gone = live.client.get(f"/v1/collections/{alias}/jobs/{job['id']}")
    assert (gone.status_code, gone.json()["code"]) == (404, "job_not_found")


def test_what_an_alias_may_not_do_is_said(
    live: Live, collection: str, other: str, alias: str
) -> None:
    def code(answer: httpx.Response) -> tuple[int, str]:
        return answer.status_code, answer.json()["code"]

    lead(live, alias, collection)
    assert code(lead(live, other, collection)) == (409, "collection_exists")
    assert code(lead(live, alias, "nowhere")) == (404, "collection_not_found")
    assert code(lead(live, f"{alias}-2", alias)) == (422, "invalid_input")
    assert code(lead(live, "a b", collection)) == (422, "invalid_input")
    made = live.client.post("/v1/collections", json={"name": alias})
    assert code(made) == (409, "collection_exists")
    assert f"{alias!r} is an alias of it" in made.json()["message"]
    deleted = live.client.delete(f"/v1/collections/{alias}")
    assert code(deleted) == (409, "conflict")
    assert "own name" in deleted.json()["message"]
    assert code(live.client.delete("/v1/aliases/nowhere")) == (404, "alias_not_found")

    assert live.client.delete(f"/v1/aliases/{alias}").status_code == 204
    assert code(live.client.get(f"/v1/collections/{alias}")) == (404, "collection_not_found")
    assert live.client.get(f"/v1/collections/{collection}").status_code == 200


def test_the_python_client_sets_uses_and_drops_aliases(
    live: Live, collection: str, other: str, alias: str
) -> None:
    client = Client(live.url, token=TOKEN)
    try:
        client.set_alias(alias, collection)
        assert client.aliases()[alias] == collection
        job = client.add_texts([OLD], alias)["job"]
        assert job is not None
        client.set_alias(alias, other)
        assert client.wait(job)["state"] == "done"
        assert client.totals(collection)["indexed"] == 1
        assert client.totals(alias)["found"] == 0
        with pytest.raises(CollectionExists):
            client.set_alias(other, collection)
        with pytest.raises(CollectionNotFound):
            client.set_alias(alias, "nowhere")
        with pytest.raises(Conflict):
            client.delete_collection(alias)
        client.delete_collection(other)
        assert alias not in client.aliases()
        with pytest.raises(AliasNotFound):
            client.drop_alias(alias)
    finally:
        client.close()
