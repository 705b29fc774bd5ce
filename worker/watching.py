"""What lets a worker be watched: metrics, traces, and log lines that say what they belong to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from indexer.build import Engine
from worker.metrics import serve_metrics
from worker.tracing import open_traces
from worker.travelling import travelling


@contextmanager
def watched(engine: Engine) -> Iterator[None]:
    """Watch a worker's engine and tasks, as its settings ask for, while the block lasts.

    Raises `Unavailable` if the port for metrics is taken, `InvalidInput` if traces are asked for
    and OpenTelemetry is not installed.
    """
    settings = engine.settings
    with ExitStack() as stack:
        traces = open_traces(settings, "worker")
        if traces is not None:
            engine.observers.add(traces)
            stack.callback(traces.close)
        stack.enter_context(travelling(traces))
        if settings.metrics_port is not None:
            stack.enter_context(serve_metrics(engine, settings.metrics_port))
        yield
