"""Traces: spans of the engine's work, one trace from a request to the task it led to."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from indexer.errors import InvalidInput
from indexer.queries import Part, SearchQuery
from indexer.search import search
from indexer.settings import Settings
from tests.lab import Lab, found_text
from worker.logs import belongings, bound
from worker.tracing import Traces, open_traces
from worker.travelling import travelling


@pytest.fixture
def sent() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traces(sent: InMemorySpanExporter) -> Iterator[Traces]:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(sent))
    opened = Traces(provider)
    yield opened
    opened.close()


def test_indexing_and_search_are_spans_within_spans(
    lab: Lab, traces: Traces, sent: InMemorySpanExporter
) -> None:
    lab.indexer.observers.add(traces)
    lab.ingest(found_text("/a.txt", "red", "green"))
    search(lab.searcher, "things", SearchQuery((Part(text="red"),)))
    spans = {span.name: span for span in sent.get_finished_spans()}
    assert {"index", "index embed", "index write", "search", "search model"} <= set(spans)
    assert dict(spans["index"].attributes or {}) == {
        "semblance.collection": "things",
        "semblance.assets": 2,
    }
    parent = spans["search model"].parent
    assert parent is not None
    assert parent.span_id == spans["search"].context.span_id


def test_a_trace_and_a_request_go_on_in_the_worker(
    traces: Traces, sent: InMemorySpanExporter
) -> None:
    app = Celery("test", broker="memory://")
    app.conf.update(task_ignore_result=True, broker_transport_options={"polling_interval": 0.02})
    seen: list[dict[str, str]] = []
    done = threading.Event()

    @app.task(name="test.note")
    def note(collection: str) -> None:
        seen.append({**belongings()})
        done.set()

    with travelling(traces):
        with traces.span("the request", {}), bound(request="r1"):
            app.send_task("test.note", args=["photos"])
        with start_worker(app, pool="solo", perform_ping_check=False):
            assert done.wait(10)
    (told,) = seen
    assert (told["request"], told["collection"]) == ("r1", "photos")
    assert told["task"]
    spans = {span.name: span for span in sent.get_finished_spans()}
    assert spans["test.note"].context.trace_id == spans["the request"].context.trace_id
    assert belongings() == {}


class Collector(BaseHTTPRequestHandler):
    """Takes what is sent to it, as an OpenTelemetry collector does."""

    taken: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        self.taken.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        return


def test_spans_are_sent_to_the_collector_that_is_set() -> None:
    taken: list[tuple[str, bytes]] = []
    handler = type("Taking", (Collector,), {"taken": taken})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        traces = open_traces(Settings(otlp_endpoint=address), "worker")
        assert traces is not None
        with traces.span("one stretch of work", {}):
            pass
        traces.close()
        server.shutdown()
    ((path, body),) = taken
    assert path == "/v1/traces"
    assert b"one stretch of work" in body
    assert b"semblance-worker" in body


def test_a_setting_that_is_no_address_is_named() -> None:
    with pytest.raises(InvalidInput, match="collector:4318"):
        open_traces(Settings(otlp_endpoint="collector"), "api")


def test_nothing_is_imported_where_nothing_is_set() -> None:
    # FastAPI imports the interfaces (not the SDK) by itself where they are installed.
    look = (
        "import sys, api.main, worker.travelling; from indexer.settings import Settings; "
        "from worker.tracing import open_traces; assert open_traces(Settings(), 'api') is None; "
        "print([name for name in sys.modules if name.startswith('opentelemetry.sdk')])"
    )
    ran = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_missing_extra_is_named() -> None:
    # What an interpreter without the package would do: importing it fails.
    look = (
        "import sys; sys.modules['opentelemetry'] = None; from indexer.settings import Settings; "
        "from worker.tracing import open_traces; "
        "open_traces(Settings(otlp_endpoint='http://c:4318'), 'api')"
    )
    ran = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True)
    assert ran.returncode == 1
    assert "install `semblance[tracing]`" in ran.stderr


def test_celery_leaves_our_logging_alone() -> None:
    app = Celery("test", broker="memory://")
    root = logging.getLogger()
    before = [*root.handlers]
    with travelling():
        app.log.setup(loglevel=logging.INFO)
    assert root.handlers == before
