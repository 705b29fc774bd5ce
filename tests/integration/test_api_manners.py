"""How the API behaves towards strangers, mistakes and browsers."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.server import local_server, published
from indexer.settings import Settings
from tests.integration.conftest import Live

SOME_ID = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/collections/none", 404, "collection_not_found"),
        ("GET", "/v1/collections/none/stats", 404, "collection_not_found"),
        ("GET", "/v1/collections/none/jobs", 404, "collection_not_found"),
        ("GET", "/v1/collections/none/export", 404, "collection_not_found"),
        ("GET", "/v1/collections/none/failures", 404, "collection_not_found"),
        ("GET", "/v1/collections/none/facets?field=kind", 404, "collection_not_found"),
        ("POST", "/v1/collections/none/retry", 404, "collection_not_found"),
        ("DELETE", "/v1/collections/none", 404, "collection_not_found"),
        ("GET", f"/v1/collections/{{c}}/assets/{SOME_ID}", 404, "asset_not_found"),
        ("GET", f"/v1/collections/{{c}}/assets/{SOME_ID}/content", 404, "asset_not_found"),
        ("GET", f"/v1/collections/{{c}}/assets/{SOME_ID}/thumbnail", 404, "asset_not_found"),
        ("GET", f"/v1/collections/{{c}}/assets/{SOME_ID}/neighbours", 404, "asset_not_found"),
        ("GET", f"/v1/collections/{{c}}/jobs/{SOME_ID}", 404, "job_not_found"),
        ("GET", f"/v1/collections/{{c}}/jobs/{SOME_ID}/events", 404, "job_not_found"),
        ("GET", "/v1/collections/{c}/assets?filter={", 422, "invalid_query"),
        ("GET", "/v1/collections/{c}/assets?limit=0", 422, "invalid_input"),
        ("GET", "/v1/collections/{c}/assets?kind=smell", 422, "invalid_input"),
        ("GET", "/v1/collections/{c}/facets", 422, "invalid_input"),
        ("GET", "/v1/nothing", 404, "not_found"),
        ("PUT", "/v1/collections", 405, "method_not_allowed"),
    ],
)
def test_mistakes_are_named(
    live: Live, collection: str, method: str, path: str, status: int, code: str
) -> None:
    answer = live.client.request(method, path.replace("{c}", collection))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert set(answer.json()) == {"code", "message", "details"}


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ({}, "needs something"),
        ({"text": ""}, "empty"),
        ({"text": "a", "image": "aGk="}, ""),
        ({"image": "not base64!"}, "base64"),
        ({"image": "aGk="}, ""),
        ({"text": 7}, "body.text"),
        ({"text": "a", "limit": 0}, "body.limit"),
        ({"text": "a", "limit": "many"}, "body.limit"),
        ({"text": "a", "kind": "smell"}, "body.kind"),
        ({"text": "a", "space": "nowhere"}, "nowhere"),
        ({"text": "a", "colour": "red"}, "body.colour"),
        ({"vector": [1.0, 2.0]}, ""),
        ({"vector": []}, ""),
        ({"parts": [{"text": "a", "weight": -1}]}, "body.parts[0].weight"),
        ({"parts": [{"weight": 1}]}, "parts[0]"),
        ({"text": "a", "filter": {"field": "year", "gt": "old"}}, "filter.gt"),
        ({"text": "a", "not": [{"text": "a"}]}, "cancel"),
    ],
)
def test_questions_that_make_no_sense_are_named(
    live: Live, collection: str, question: dict[str, Any], named: str
) -> None:
    answer = live.client.post(f"/v1/collections/{collection}/search", json=question)
    assert answer.status_code == 422
    assert named in answer.json()["message"]


def test_half_a_character_breaks_nothing(live: Live, collection: str) -> None:
    for body in (b'{"text": "\\ud800"}', b'{"text": "a", "space": "\\ud800"}'):
        answer = live.client.post(
            f"/v1/collections/{collection}/search",
            content=body,
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code in (200, 422)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe"])
def test_bodies_that_are_no_question_are_refused(
    live: Live, collection: str, content: bytes
) -> None:
    answer = live.client.post(
        f"/v1/collections/{collection}/search",
        content=content,
        headers={"Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


def test_a_form_of_another_page_is_no_question(live: Live, collection: str) -> None:
    answer = live.client.post(f"/v1/collections/{collection}/search", data={"text": "a"})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "shelf/../.."}, 422),
        ({"name": ""}, 422),
        ({"name": "x", "models": []}, 422),
        ({"name": "x", "models": ["mini", "mini"]}, 422),
        ({"name": "x", "models": ["no-such-model"]}, 404),
        ({"name": "{c}"}, 409),
    ],
)
def test_collections_that_cannot_be_made_are_refused(
    live: Live, collection: str, body: dict[str, Any], status: int
) -> None:
    body = {**body, "name": body["name"].replace("{c}", collection)}
    answer = live.owner.post("/v1/collections", json=body)
    assert answer.status_code == status, answer.text


def test_a_model_that_is_a_path_is_the_owners_alone(live: Live, tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text("[]")
    answer = live.client.post("/v1/collections", json={"name": "x", "models": [str(tmp_path)]})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_the_collection_describes_itself(live: Live, collection: str) -> None:
    told = live.client.get(f"/v1/collections/{collection}").json()
    (space,) = told["spaces"]
    assert (space["name"], space["dimension"], space["kinds"]) == ("mini", 384, ["image", "text"])
    assert told["totals"] == live.client.get(f"/v1/collections/{collection}/stats").json()
    assert told in live.client.get("/v1/collections").json()


def test_models_say_whether_they_are_there(live: Live) -> None:
    models = {model["name"]: model for model in live.client.get("/v1/models").json()}
    assert models["mini"]["available"]
    assert [name for name, model in models.items() if model["default"]] == ["mini"]
    assert all(model["available"] or model["remedy"] for model in models.values())


def test_foreign_names_are_refused_except_by_probes(live: Live) -> None:
    foreign = {"Host": "evil.example"}
    assert live.client.get("/v1/collections", headers=foreign).status_code == 403
    assert live.client.get("/", headers=foreign).status_code == 403
    assert live.client.get("/healthz", headers=foreign).status_code == 200


def test_foreign_pages_may_not_change_anything(live: Live, collection: str) -> None:
    place = f"/v1/collections/{collection}"
    foreign = {"Origin": "http://evil.example"}
    assert live.client.delete(place, headers=foreign).status_code == 403
    assert live.client.get(place).status_code == 200
    own = {"Origin": live.url}
    assert live.client.post(f"{place}/retry", headers=own).status_code == 200


@pytest.mark.parametrize("path", ["/", "/docs", "/healthz", "/v1/models", "/v1/none"])
def test_every_answer_guards_the_browser(live: Live, path: str) -> None:
    headers = live.client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["content-security-policy"].startswith("default-src '")


def test_the_reference_asks_nobody_outside(live: Live) -> None:
    page = live.client.get("/docs").text
    assert "/v1/collections/{collection}/search" in page
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server with a key, on a Unix socket."""
    data = tmp_path_factory.mktemp("locked")
    settings = Settings.model_validate({"data": data, "api_key": "the key"})
    with local_server(settings, resume=True) as address:
        assert published(data) == address
        transport = httpx.HTTPTransport(uds=address.socket)
        with httpx.Client(base_url="http://localhost", transport=transport) as client:
            client.headers["X-Owner"] = address.token
            yield client
    assert published(data) is None


def test_a_key_is_needed_where_one_is_set(locked: httpx.Client) -> None:
    token = locked.headers["X-Owner"]
    refused = locked.get("/v1/models")
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
    assert refused.headers["www-authenticate"].startswith("Bearer, Basic ")
    tries: list[tuple[dict[str, str] | dict[bytes, bytes], int]] = [
        ({"Authorization": "Bearer the key"}, 200),
        ({"X-API-Key": "the key"}, 200),
        ({"Authorization": f"Bearer {token}"}, 200),
        ({"Authorization": "Bearer another"}, 401),
        ({"Authorization": f"Basic {b64encode(b'anyone:the key').decode()}"}, 200),
        ({"Authorization": f"Basic {b64encode(b'anyone:no key').decode()}"}, 401),
        ({"Authorization": "Basic ???"}, 401),
        ({b"X-API-Key": "thé key".encode()}, 401),
    ]
    for headers, status in tries:
        assert locked.get("/v1/models", headers=headers).status_code == status
    assert locked.get("/healthz").status_code == 200


def test_readiness_waits_for_the_model(locked: httpx.Client) -> None:
    answer = locked.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "model_unavailable")
    assert int(answer.headers["retry-after"]) > 0
