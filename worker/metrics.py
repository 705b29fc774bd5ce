"""What the engine does, as Prometheus metrics, and an answer to whoever scrapes a worker.

Every process has a registry of its own, made when its engine is open: nothing is registered at
import, and several engines in one process do not meet.
"""

from __future__ import annotations

import hmac
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from indexer.build import Engine
from indexer.embedders.in_use import InUse
from indexer.errors import Unavailable
from indexer.observing import Observer
from indexer.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

COLLECTIONS: Final = 100
"""Collections that are told by name; a label with more values would burden whoever stores it."""

OTHERS: Final = "(others)"

_STAGES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_SEARCHES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics(Observer):
    """The registry of one process, and the observer that fills it from the engine's work."""

    def __init__(self, engine: Engine) -> None:
        """Starts to watch the engine at once."""
        self.registry = CollectorRegistry(auto_describe=False)
        self._names = Names()
        self._define(self.registry)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.registry.register(_Models(engine.embedders.in_use))
        engine.observers.add(self)

    def _define(self, registry: CollectorRegistry) -> None:
        self._recorded = Counter(
            "semblance_assets_recorded_total",
            "Assets found and written to the ledger, by what became of them.",
            ("collection", "outcome"),
            registry=registry,
        )
        self._indexed = Counter(
            "semblance_assets_indexed_total",
            "Assets that were given vectors.",
            ("collection", "kind"),
            registry=registry,
        )
        self._failures = Counter(
            "semblance_failures_total",
            "Assets and documents that cannot be used, by the reason's code.",
            ("collection", "kind", "reason"),
            registry=registry,
        )
        self._stages = Histogram(
            "semblance_index_stage_seconds",
            "Stages of indexing: read and decode of a picture, embed and write of a batch.",
            ("stage",),
            buckets=_STAGES,
            registry=registry,
        )
        self._searches = Histogram(
            "semblance_search_seconds",
            "Searches, all in all.",
            buckets=_SEARCHES,
            registry=registry,
        )
        self._search_stages = Histogram(
            "semblance_search_stage_seconds",
            "Stages of a search: model, store, and the rest.",
            ("stage",),
            buckets=_SEARCHES,
            registry=registry,
        )

    def took(self, stage: str, seconds: float) -> None:
        self._stages.labels(stage).observe(seconds)

    def searched(self, seconds: Mapping[str, float], total: float) -> None:
        self._searches.observe(total)
        for stage, spent in seconds.items():
            self._search_stages.labels(stage).observe(spent)
        self._search_stages.labels("rest").observe(max(0.0, total - sum(seconds.values())))

    def recorded(self, collection: str, outcome: str) -> None:
        self._recorded.labels(self._names.bounded(collection), outcome).inc()

    def indexed(self, collection: str, kind: str, count: int) -> None:
        self._indexed.labels(self._names.bounded(collection), kind).inc(count)

    def failed(self, collection: str, what: str, reason: str) -> None:
        self._failures.labels(self._names.bounded(collection), what, reason).inc()


class Names:
    """Names as values of a label: the first of them as they are, all further ones as one."""

    def __init__(self, most: int = COLLECTIONS) -> None:
        self._most = most
        self._known: set[str] = set()

    def bounded(self, name: str) -> str:
        """The name, or `(others)` if there are too many."""
        if name in self._known or len(self._known) < self._most:
            self._known.add(name)
            return name
        return OTHERS


class _Models(Collector):
    """The models in memory, asked for at each scrape: one may have been compiled since the last."""

    def __init__(self, in_use: Callable[[], list[InUse]]) -> None:
        self._in_use = in_use

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(
            "semblance_model_info",
            "Models in memory; the value is always 1.",
            labels=("model", "fingerprint", "device", "compiled"),
        )
        for model in self._in_use():
            compiled = "true" if model.compiled else "false"
            family.add_metric([model.name, model.fingerprint, model.device, compiled], 1)
        yield family


def may_read(settings: Settings, authorization: str | None) -> bool:
    """Whether metrics may be told: to everyone without keys, else to who sends one as a bearer.

    Names of collections and what fails in them are nobody else's business; and a monitor should
    not need a key that opens everything.
    """
    keys = [key for key in (settings.metrics_key, settings.api_key) if key is not None]
    if not keys:
        return True
    scheme, _, given = (authorization or "").partition(" ")
    sent = given.strip().encode("latin-1", "replace")
    fits = [hmac.compare_digest(sent, key.get_secret_value().encode()) for key in keys]
    return scheme.lower() == "bearer" and any(fits)


@contextmanager
def serve_metrics(engine: Engine, port: int) -> Iterator[int]:
    """Tell a worker's metrics on the settings' host, and at `/healthz` that it lives.

    Lasts as long as the block; gives the port, which matters if 0 was asked for. Raises
    `Unavailable` if the port is taken.
    """
    metrics = Metrics(engine)
    settings = engine.settings
    try:
        answer = _application(metrics, settings)
        server = make_server(settings.host, port, answer, _server(settings.host), _Quiet)
    except OSError as error:
        raise Unavailable(
            f"Port {port} on {settings.host} cannot be used for metrics ({error.strerror}); choose "
            "another with SEMBLANCE_METRICS_PORT.",
            port=port,
        ) from error
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _server(host: str) -> type[WSGIServer]:
    class Server(ThreadingMixIn, WSGIServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        daemon_threads = True  # a client that says nothing keeps neither others nor the end waiting

    return Server


class _Quiet(WSGIRequestHandler):
    timeout = 5

    def log_message(self, format: str, *args: object) -> None:
        """Scrapes are no news."""


def _application(
    metrics: Metrics, settings: Settings
) -> Callable[[WSGIEnvironment, StartResponse], list[bytes]]:
    def answer(environ: WSGIEnvironment, start: StartResponse) -> list[bytes]:
        plain = [("Content-Type", "text/plain; charset=utf-8")]
        if environ["PATH_INFO"] == "/healthz":
            start("200 OK", plain)
            return [b"ok\n"]
        if environ["PATH_INFO"] != "/metrics":
            start("404 Not Found", plain)
            return [b"There are /metrics and /healthz.\n"]
        if not may_read(settings, environ.get("HTTP_AUTHORIZATION")):
            start("401 Unauthorized", [*plain, ("WWW-Authenticate", "Bearer")])
            return [b"Send SEMBLANCE_METRICS_KEY as `Authorization: Bearer`.\n"]
        start("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
        return [generate_latest(metrics.registry)]

    return answer
