"""Chooses where jobs run: in this process, or in Celery workers when Redis is set."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from indexer.build import Engine
from indexer.ports import JobQueue
from worker.indexing import index


class OpenQueue(JobQueue, Protocol):
    """A job queue that is closed by whoever opened it."""

    def close(self) -> None:
        """Stop handing out jobs; what is not done stays pending."""


def open_queue(engine: Engine) -> OpenQueue:
    """The queue that the settings ask for."""
    if engine.settings.redis_url is None:
        from worker.embedded import EmbeddedQueue

        return EmbeddedQueue(partial(index, engine.indexer))
    from worker.celery_app import CeleryQueue, make_app

    return CeleryQueue(make_app(engine.settings))
