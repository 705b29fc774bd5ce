"""A server's metrics, scraped over HTTP and read with Prometheus' own parser; ids of requests."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.server import local_server
from indexer.settings import Settings
from tests.integration.conftest import Live
from worker.logs import JsonLines

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(client: httpx.Client, **headers: str) -> Samples:
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, frozenset(labels.items())), 0.0)


def test_work_is_counted_where_it_was_done(live: Live, collection: str) -> None:
    texts = [{"text": "The sea is blue."}, {"text": "A dog in the snow."}]
    added = live.owner.post(f"/v1/collections/{collection}/assets", json={"texts": texts})
    live.settled(collection, added.json()["job"]["id"])
    before = scraped(live.client)
    place = f"/v1/collections/{collection}/search"
    for _ in range(3):
        live.client.post(place, json={"text": "a dog"}).raise_for_status()
    live.client.post(place, json={"text": ""})
    after = scraped(live.client)

    assert value(after, "semblance_assets_indexed_total", collection=collection, kind="text") == 2
    recorded = ("semblance_assets_recorded_total", {"collection": collection, "outcome": "pending"})
    assert value(after, recorded[0], **recorded[1]) == 2
    assert value(after, "semblance_index_stage_seconds_count", stage="embed") >= 1
    route = {"method": "POST", "route": "/v1/collections/{collection}/search"}
    for status, expected in (("200", 3), ("422", 1)):
        name = "semblance_http_requests_total"
        grown = value(after, name, **route, status=status) - value(
            before, name, **route, status=status
        )
        assert grown == expected
    searched = "semblance_search_seconds_count"
    assert value(after, searched) - value(before, searched) == 3
    for stage in ("model", "store", "rest"):
        name = "semblance_search_stage_seconds_count"
        assert value(after, name, stage=stage) - value(before, name, stage=stage) == 3
    models = [dict(labels) for name, labels in after if name == "semblance_model_info"]
    assert [(model["model"], model["device"]) for model in models] == [("mini", "cpu")]
    assert value(after, "process_resident_memory_bytes") > 50e6
    assert value(after, "semblance_store_reachable") == 1


def test_paths_to_nowhere_are_one_label(live: Live) -> None:
    for number in range(3):
        live.client.get(f"/v1/nowhere/{number}")
    samples = scraped(live.client)
    labels = {"method": "GET", "route": "(other)", "status": "404"}
    assert value(samples, "semblance_http_requests_total", **labels) >= 3
    assert not any("nowhere" in str(labels) for _, labels in samples)


def test_a_scrape_needs_the_name_of_this_machine_where_there_is_no_key(live: Live) -> None:
    assert live.client.get("/metrics", headers={"Host": "evil.example"}).status_code == 403


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    keys = {"api_key": "the key", "metrics_key": "for the monitor"}
    settings = Settings.model_validate({"data": tmp_path_factory.mktemp("locked"), **keys})
    with local_server(settings, resume=True) as address:
        transport = httpx.HTTPTransport(uds=address.socket)
        with httpx.Client(base_url="http://10.1.2.3:7700", transport=transport) as client:
            yield client


def test_the_monitors_key_reads_metrics_and_nothing_else(locked: httpx.Client) -> None:
    assert locked.get("/metrics").status_code == 401
    for key in ("for the monitor", "the key"):
        samples = scraped(locked, Authorization=f"Bearer {key}")
        assert value(samples, "semblance_store_reachable") == 1
    monitor = {"Authorization": "Bearer for the monitor", "Host": "localhost"}
    assert locked.get("/v1/models", headers=monitor).status_code == 401
    assert locked.get("/metrics", headers={"Authorization": "Bearer no"}).status_code == 401


def test_a_request_has_the_id_that_it_was_given_or_a_new_one(live: Live) -> None:
    own = live.client.get("/healthz", headers={"X-Request-Id": "from-the-proxy.7"})
    assert own.headers["x-request-id"] == "from-the-proxy.7"
    made = {live.client.get("/v1/none").headers["x-request-id"] for _ in range(2)}
    assert len(made) == 2
    unfit = live.client.get("/healthz", headers={"X-Request-Id": 'a"b c'})
    assert re.fullmatch("[0-9a-f]{32}", unfit.headers["x-request-id"])
    too_long = live.client.get("/healthz", headers={"X-Request-Id": "a" * 65})
    assert len(too_long.headers["x-request-id"]) == 32


def test_the_log_of_requests_tells_no_questions(
    live: Live, collection: str, caplog: pytest.LogCaptureFixture
) -> None:
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(JsonLines().format(record))  # type: ignore[method-assign]
    access = logging.getLogger("api.access")
    access.addHandler(handler)
    try:
        with caplog.at_level(logging.INFO, logger="api.access"):
            live.client.post(
                f"/v1/collections/{collection}/search",
                json={"text": "my secret"},
                headers={"X-Request-Id": "seven"},
            )
            live.client.get("/v1/collections/x/assets?filter=secret")
            live.client.get("/healthz")
    finally:
        access.removeHandler(handler)
    first, second = (json.loads(line) for line in lines)
    assert (first["request"], first["method"], first["status"]) == ("seven", "POST", 200)
    assert first["route"] == "/v1/collections/{collection}/search"
    assert second["path"] == "/v1/collections/x/assets"
    assert "secret" not in str(lines)
