"""What a server tells beside the engine's own metrics: its requests, the queue, and the ledger.

Queue and ledger are one for all processes, and told by servers alone: a hundred workers need not
ask for the same numbers. They are looked up when somebody scrapes, with a limit on the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from indexer.build import Engine
from indexer.errors import NotFound, SemblanceError
from indexer.ledger import assets_where
from indexer.ports import VectorStore
from worker.metrics import Metrics, Names

LEDGER_SECONDS: Final = 15.0
"""How long counts of the ledger are told again before they are counted anew."""

OTHER: Final = "(other)"

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REQUESTS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class ServerMetrics(Metrics):
    """The registry of a server: the engine's families, and those of what it alone sees."""

    def __init__(self, engine: Engine) -> None:
        """Starts to watch the engine at once."""
        super().__init__(engine)
        self._requests = Counter(
            "semblance_http_requests_total",
            "Requests answered, by the route's template.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._latencies = Histogram(
            "semblance_http_request_seconds",
            "From a request to the first byte of its answer.",
            ("method", "route"),
            buckets=_REQUESTS,
            registry=self.registry,
        )
        self.registry.register(_Ledger(engine.store))
        if engine.settings.redis_url is not None:
            self.registry.register(_Queue(engine.settings.redis_url))

    def answered(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """A request was answered; requests to nowhere are counted together."""
        method = method if method in _METHODS else OTHER
        self._requests.labels(method, route or OTHER, str(status)).inc()
        self._latencies.labels(method, route or OTHER).observe(seconds)

    def text(self) -> bytes:
        """Everything in Prometheus' text format. May wait for Redis and the store."""
        return generate_latest(self.registry)


class _Queue(Collector):
    """How many jobs wait in Redis and how many are in hand."""

    def __init__(self, url: str) -> None:
        from worker.queues import open_redis

        self._redis = open_redis(url)

    def collect(self) -> Iterable[Metric]:
        from redis import RedisError

        from worker.queues import depths, in_hand

        waiting, taken, reachable = families = self._families()
        try:
            counts, unacked = depths(self._redis), in_hand(self._redis)
        except RedisError:
            reachable.add_metric([], 0)
            return families
        for (queue, step), count in counts.items():
            waiting.add_metric([queue, str(step)], count)
        taken.add_metric([], unacked)
        reachable.add_metric([], 1)
        return families

    def _families(self) -> list[GaugeMetricFamily]:
        return [
            GaugeMetricFamily(
                "semblance_queue_jobs",
                "Jobs that wait in Redis; the lowest priority number is taken first.",
                labels=("queue", "priority"),
            ),
            GaugeMetricFamily(
                "semblance_queue_unacked", "Jobs that workers have taken and not finished."
            ),
            GaugeMetricFamily("semblance_queue_reachable", "1 if Redis answers, else 0."),
        ]


class _Ledger(Collector):
    """How many assets each collection has by status; counted at most every few seconds."""

    def __init__(self, store: VectorStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._known: list[GaugeMetricFamily] = []
        self._until = float("-inf")

    def collect(self) -> Iterable[Metric]:
        if self._clock() >= self._until:
            self._known = self._counted()
            self._until = self._clock() + LEDGER_SECONDS
        return self._known

    def _counted(self) -> list[GaugeMetricFamily]:
        totals, reachable = families = self._families()
        try:
            sums = self._sums()
        except SemblanceError:
            reachable.add_metric([], 0)
            return families
        for labels, count in sums.items():
            totals.add_metric(labels, count)
        reachable.add_metric([], 1)
        return families

    def _sums(self) -> dict[tuple[str, str], int]:
        names, sums = Names(), dict[tuple[str, str], int]()
        for collection in self._store.collections():
            label = names.bounded(collection)
            for status, count in self._statuses(collection).items():
                sums[label, status] = sums.get((label, status), 0) + count
        return sums

    def _statuses(self, collection: str) -> dict[str, int]:
        try:
            return self._store.facet(collection, "status", assets_where())
        except NotFound:
            return {}  # dropped since it was listed

    def _families(self) -> list[GaugeMetricFamily]:
        return [
            GaugeMetricFamily(
                "semblance_ledger_assets",
                "Assets in the ledger by status; the same on every server.",
                labels=("collection", "status"),
            ),
            GaugeMetricFamily("semblance_store_reachable", "1 if the store answers, else 0."),
        ]
