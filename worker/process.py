"""A worker process: takes jobs from Redis until it is told to stop.

SIGTERM or Ctrl-C: the batches at hand are finished first. SIGQUIT, or the same signal again: it
ends at once, and what it had is queued again. Models are loaded once and shared by its threads.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, cast

from indexer.build import Engine, open_engine
from indexer.settings import Settings
from worker.celery_app import make_app
from worker.celery_queue import CeleryQueue
from worker.custody import Custody, Held
from worker.heartbeat import Heartbeat
from worker.stopping import Stop, install_signals, start_over
from worker.sweeping import Sweeper
from worker.tasks import add_tasks
from worker.watching import watched

log = logging.getLogger(__name__)

THREADS = 2
"""Batches at once: one is decoded and written while the model works on another."""


def run_worker(
    settings: Settings, *, queues: Sequence[str], threads: int, on_ready: Callable[[], None]
) -> int:
    """Work on jobs of these queues until a signal ends it; returns the exit status.

    Raises `Unavailable` if the store does not answer, `InvalidInput` if the settings do not name
    both servers.
    """
    settings.check_scaled_out()
    engine = open_engine(settings)
    try:
        return work(engine, queues, threads, on_ready)
    finally:
        engine.close()


def work(engine: Engine, queues: Sequence[str], threads: int, on_ready: Callable[[], None]) -> int:
    """Work with this engine until a signal ends it; returns the exit status."""
    settings = engine.settings
    app = make_app(settings)
    custody = Custody(
        engine.store,
        settings.lease_seconds,
        longest=settings.batch_seconds,
        on_overdue=_start_over_from,
    )
    stop = Stop()
    add_tasks(app, engine.indexer, custody, stop)
    queue = CeleryQueue(app, engine.store, lease_seconds=settings.lease_seconds)
    sweeper = Sweeper(engine.indexer, queue, settings.lease_seconds / 4)
    heartbeat = Heartbeat(
        queue.broker, settings.lease_seconds, custody, stop, queues, settings.device, start_over
    )
    worker = app.Worker(
        concurrency=threads,
        queues=list(queues),
        loglevel=logging.getLevelName(logging.getLogger().getEffectiveLevel()),
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    cast("Any", worker).install_platform_tweaks = lambda _: install_signals(custody, stop)
    try:
        with watched(engine):
            on_ready()
            worker.start()
    finally:
        heartbeat.close()
        sweeper.close()
        custody.close()
        queue.close()
    return int(worker.exitcode or 0)


def _start_over_from(held: Held) -> None:
    # A thread cannot be stopped from outside. The lease expires, and the batch is cut up.
    log.critical(
        "%d assets of %s took too long (SEMBLANCE_BATCH_SECONDS); this worker starts over.",
        len(held.ids),
        held.collection,
    )
    start_over()
