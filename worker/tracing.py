"""Traces to an OpenTelemetry collector, where one is set; else nothing of it is imported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from indexer.errors import InvalidInput
from indexer.observing import Fact, Observer
from indexer.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

_CLOSING_MILLISECONDS = 2000


class Traces(Observer):
    """Spans of the engine's work, of requests and of tasks; a trace goes on in the worker."""

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._tracer = provider.get_tracer("semblance")
        self._propagator = TraceContextTextMapPropagator()

    def span(self, name: str, facts: Mapping[str, Fact]) -> AbstractContextManager[object]:
        named = {f"semblance.{fact}": value for fact, value in facts.items()}
        return self._tracer.start_as_current_span(name, attributes=named)

    @contextmanager
    def continued(
        self, name: str, carrier: Mapping[str, str], kind: Literal["server", "consumer"]
    ) -> Iterator[Span]:
        """A span for what another process asked for, in its trace if `carrier` tells one."""
        from opentelemetry.trace import SpanKind

        with self._tracer.start_as_current_span(
            name,
            context=self._propagator.extract(carrier),
            kind=SpanKind.SERVER if kind == "server" else SpanKind.CONSUMER,
        ) as span:
            yield span

    def carrier(self) -> dict[str, str]:
        """What another process needs to go on with the present trace: W3C headers."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier

    def close(self) -> None:
        """Send what was not sent yet; a collector that does not answer is not waited for."""
        self._provider.force_flush(_CLOSING_MILLISECONDS)
        self._provider.shutdown()


def open_traces(settings: Settings, process: Literal["api", "worker"]) -> Traces | None:
    """Traces to the collector that the settings name; None where they name none.

    Raises `InvalidInput` if OpenTelemetry is not installed, or the setting is no address.
    """
    if settings.otlp_endpoint is None:
        return None
    endpoint = _traces_url(settings.otlp_endpoint)
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise InvalidInput(
            "SEMBLANCE_OTLP_ENDPOINT is set, and OpenTelemetry is not installed: install "
            "`semblance[tracing]`, or unset it.",
            setting="SEMBLANCE_OTLP_ENDPOINT",
        ) from error
    resource = Resource.create({"service.name": f"semblance-{process}"})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return Traces(provider)


def _traces_url(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise InvalidInput(
            f"SEMBLANCE_OTLP_ENDPOINT is set to {endpoint!r}, which is no address; it looks like "
            "http://collector:4318.",
            setting="SEMBLANCE_OTLP_ENDPOINT",
        )
    return endpoint if parts.path.strip("/") else f"{endpoint.rstrip('/')}/v1/traces"
