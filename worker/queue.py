"""Chooses where jobs run: in this process, or in Celery workers when Redis is set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Protocol

from indexer.build import Engine
from indexer.ports import JobQueue
from worker.custody import Custody
from worker.indexing import index


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that works on jobs for servers; `in_hand` counts the assets it has right now."""

    name: str
    queues: tuple[str, ...]
    device: str
    started_at: str
    in_hand: int


class OpenQueue(JobQueue, Protocol):
    """A job queue that is closed by whoever opened it."""

    def take_up(self, collection: str) -> None:
        """Queue what is pending or lacks the vector of a model, and is in nobody's hands.

        Raises `Unavailable` if the store or the queue does not answer.
        """

    def workers(self) -> list[Worker]:
        """Processes that only work on jobs; none where a server does its work itself.

        Raises `QueueUnavailable` if that cannot be found out.
        """

    def close(self) -> None:
        """Stop handing out jobs; what is not done stays pending."""


def open_custody(engine: Engine) -> Custody | None:
    """The leases of this process where others share the store; None where nobody does."""
    if engine.settings.redis_url is None:
        return None
    return Custody(engine.store, engine.settings.lease_seconds)


def open_queue(engine: Engine) -> OpenQueue:
    """The queue that the settings ask for."""
    if engine.settings.redis_url is None:
        from worker.embedded import EmbeddedQueue

        return EmbeddedQueue(partial(index, engine.indexer), engine.store)
    from worker.swept import SweptQueue

    engine.settings.check_scaled_out()
    return SweptQueue(engine)
