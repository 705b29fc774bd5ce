"""What is asked of Redis itself, beside Celery's messages: how full it is, and who it is."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from celery import Celery

from indexer.errors import QueueUnavailable
from worker.queues import STEPS, depths

if TYPE_CHECKING:
    from redis import Redis

_IDENTITY = "semblance:identity"
_SWEEPING = "semblance:sweeping"
_WORKER = "semblance:worker:"
_PATIENCE_SECONDS = 5.0


@contextlib.contextmanager
def broker_errors() -> Iterator[None]:
    """Raise `QueueUnavailable` for what the transport and the client of Redis raise."""
    from kombu.exceptions import InconsistencyError, OperationalError
    from redis.exceptions import RedisError

    try:
        yield
    except (OperationalError, InconsistencyError, RedisError, OSError) as error:
        raise QueueUnavailable(
            f"Redis does not answer as it should ({error}). What was found stays pending and is "
            "queued when it is back; check SEMBLANCE_REDIS_URL and that Redis runs."
        ) from error


class Broker:
    """Redis as Celery reaches it, whichever way that is. Safe to use from several threads."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    @contextlib.contextmanager
    def client(self) -> Iterator[Redis]:
        """A client of Redis. Raises `QueueUnavailable` if it does not answer."""
        with broker_errors(), cast("Any", self._app.pool).acquire(block=True) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=_PATIENCE_SECONDS)
            yield connection.default_channel.client

    def identity(self) -> str:
        """What tells this Redis, with what is queued in it, from one that was emptied since."""
        with self.client() as redis:
            redis.set(_IDENTITY, uuid.uuid4().hex, nx=True)
            return cast("bytes", redis.get(_IDENTITY) or b"").decode()

    def waiting(self, queues: Sequence[str], up_to: int = STEPS[-1]) -> int:
        """How many messages wait in these queues that are at least so urgent."""
        with self.client() as redis:
            counts = depths(redis).items()
            return sum(n for (queue, step), n in counts if queue in queues and step <= up_to)

    def announce(self, worker: str, about: str, seconds: float) -> None:
        """Say for so long that a worker lives."""
        with self.client() as redis:
            redis.set(_WORKER + worker, about, px=int(seconds * 1000))

    def retire(self, worker: str) -> None:
        """Say that a worker is gone."""
        with self.client() as redis:
            redis.delete(_WORKER + worker)

    def workers(self) -> list[str]:
        """What the workers that live say about themselves, by name."""
        with self.client() as redis:
            names = sorted(redis.scan_iter(match=f"{_WORKER}*", count=1000))
            told = cast("list[bytes | None]", redis.mget(names)) if names else []
            return [about.decode() for about in told if about is not None]

    @contextlib.contextmanager
    def sweeping(self, seconds: float) -> Iterator[bool]:
        """True for one process at a time; one that dies in it keeps the others waiting so long."""
        token = uuid.uuid4().hex
        with self.client() as redis:
            mine = bool(redis.set(_SWEEPING, token, nx=True, px=int(seconds * 1000)))
        try:
            yield mine
        finally:
            if mine:
                with contextlib.suppress(QueueUnavailable), self.client() as redis:
                    if redis.get(_SWEEPING) == token.encode():
                        redis.delete(_SWEEPING)
