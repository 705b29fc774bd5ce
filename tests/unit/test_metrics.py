"""Metrics of a worker: what the engine did, told over HTTP, and nothing shared between engines."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from api.metrics import ServerMetrics
from indexer.build import Engine
from indexer.domain import Kind, Reason, Source
from indexer.errors import Unavailable, UnsupportedMedia
from indexer.indexing import index_assets
from indexer.queries import Part, SearchQuery
from indexer.readers.found import Candidate, Found
from indexer.search import search
from indexer.settings import Settings
from tests.fakes import LosingQueue
from tests.lab import Lab, engine_of, found_text
from worker.metrics import OTHERS, Metrics, Names, may_read, serve_metrics
from worker.watching import watched


@pytest.fixture
def engine(lab: Lab) -> Engine:
    return engine_of(lab)


@pytest.fixture
def scrape(engine: Engine) -> Iterator[httpx.Client]:
    with (
        serve_metrics(engine, 0) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        yield client


def samples(text: str) -> dict[str, dict[str, float]]:
    """Values by name, and by labels written as `a=b,c=d`."""
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def test_what_the_engine_does_is_counted(lab: Lab, scrape: httpx.Client) -> None:
    lab.embedder.poison = "poison"
    lab.ingest(found_text("/a.txt", "red", "green", "poison"))
    search(lab.searcher, "things", SearchQuery((Part(text="red"),)))
    told = samples(scrape.get("/metrics").text)
    assert told["semblance_assets_indexed_total"] == {"collection=things,kind=text": 2}
    assert told["semblance_failures_total"] == {"collection=things,kind=text,reason=internal": 1}
    assert told["semblance_index_stage_seconds_count"] == {"stage=embed": 1, "stage=write": 1}
    assert told["semblance_search_seconds_count"] == {"": 1}
    assert set(told["semblance_search_stage_seconds_count"]) == {
        "stage=model",
        "stage=rest",
        "stage=store",
    }
    assert told["semblance_model_info"] == {
        "compiled=false,device=cpu,fingerprint=colour-1,model=colour": 1
    }


def test_what_cannot_be_read_is_counted_by_its_reason(lab: Lab, scrape: httpx.Client) -> None:
    source = Source(uri="file:///bad.jpg", path="/bad.jpg")
    reason = Reason("undecodable_asset", "no picture")
    bad = Candidate(Kind.IMAGE, source, "image/jpeg", problem=reason)

    def unreadable() -> Iterator[Candidate]:
        raise UnsupportedMedia("a film")

    lab.ingest(
        Found("file:///bad.jpg", "/bad.jpg", 1, 1, lambda: iter([bad])),
        Found("file:///a.mov", "/a.mov", 1, 1, unreadable),
        found_text("/a.txt", "red"),
    )
    lab.ingest(found_text("/b.txt", "red"))
    told = samples(scrape.get("/metrics").text)
    assert told["semblance_failures_total"] == {
        "collection=things,kind=image,reason=undecodable_asset": 1,
        "collection=things,kind=document,reason=unsupported_media": 1,
    }
    assert told["semblance_assets_recorded_total"] == {
        "collection=things,outcome=failed": 1,
        "collection=things,outcome=pending": 1,
        "collection=things,outcome=known": 1,
    }


def test_stages_of_a_search_add_up_to_the_whole(lab: Lab, scrape: httpx.Client) -> None:
    lab.ingest(found_text("/a.txt", "red"))
    search(lab.searcher, "things", SearchQuery((Part(text="red"),)))
    told = samples(scrape.get("/metrics").text)
    stages = sum(told["semblance_search_stage_seconds_sum"].values())
    assert stages == pytest.approx(told["semblance_search_seconds_sum"][""])


def test_two_engines_in_one_process_do_not_meet(lab: Lab, engine: Engine) -> None:
    other = engine_of(lab)
    first, second = Metrics(engine), Metrics(other)
    assert first.registry is not second.registry


def test_the_ledger_is_counted_and_remembered(lab: Lab, engine: Engine) -> None:
    metrics = ServerMetrics(engine)
    lost = LosingQueue()
    lab.ingest(found_text("/a.txt", "red", "green"), queue=lost)
    pending = {"collection=things,status=pending": 2.0}
    assert samples(metrics.text().decode())["semblance_ledger_assets"] == pending
    index_assets(lab.indexer, "things", lost.lost)
    assert samples(metrics.text().decode())["semblance_ledger_assets"] == pending
    fresh = ServerMetrics(engine_of(lab)).text().decode()
    assert samples(fresh)["semblance_ledger_assets"] == {"collection=things,status=indexed": 2}


def test_only_so_many_collections_are_told_by_name() -> None:
    names = Names(most=2)
    assert [names.bounded(name) for name in "abcab"] == ["a", "b", OTHERS, "a", "b"]


def test_a_redis_that_is_away_is_told_and_breaks_no_scrape(lab: Lab) -> None:
    engine = engine_of(lab)
    away = replace(engine, settings=Settings(redis_url="redis://127.0.0.1:1/0"))
    told = samples(ServerMetrics(away).text().decode())
    assert told["semblance_queue_reachable"] == {"": 0}
    assert "semblance_queue_jobs" not in told


def test_a_worker_says_that_it_lives(scrape: httpx.Client) -> None:
    assert scrape.get("/healthz").text == "ok\n"
    assert scrape.get("/").status_code == 404


def test_a_worker_tells_metrics_where_its_settings_say(lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    engine = replace(engine_of(lab), settings=Settings(metrics_port=port))
    with watched(engine):
        lab.ingest(found_text("/a.txt", "red"))
        told = samples(httpx.get(f"http://127.0.0.1:{port}/metrics").text)
    assert told["semblance_assets_indexed_total"] == {"collection=things,kind=text": 1}
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/metrics")


def test_a_port_that_is_taken_is_named(engine: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=f"Port {port}"), serve_metrics(engine, port):
            pass


@pytest.mark.parametrize(
    ("keys", "sent", "allowed"),
    [
        ({}, None, True),
        ({}, "Bearer anything", True),
        ({"metrics_key": "m"}, None, False),
        ({"metrics_key": "m"}, "Bearer m", True),
        ({"metrics_key": "m"}, "m", False),
        ({"api_key": "a"}, None, False),
        ({"api_key": "a"}, "Bearer a", True),
        ({"api_key": "a", "metrics_key": "m"}, "bearer m", True),
        ({"api_key": "a", "metrics_key": "m"}, "Bearer é", False),
    ],
)
def test_who_may_read_metrics(keys: dict[str, str], sent: str | None, allowed: bool) -> None:
    secrets = {name: SecretStr(key) for name, key in keys.items()}
    assert may_read(Settings.model_validate(secrets), sent) is allowed
