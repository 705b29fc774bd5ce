"""Whether the services that a server stands on answer: bounded in time, and asked once a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

import anyio

from indexer.build import Engine
from indexer.errors import QueueUnavailable, SemblanceError, StoreUnavailable, Unavailable

PATIENCE_SECONDS: Final = 2.0
REMEMBERED_SECONDS: Final = 1.0


class Reach:
    """One service: the last answer is told again for a second, so that probes cost little."""

    def __init__(self, ask: Callable[[], object], silent: Unavailable) -> None:
        """`ask` raises a `SemblanceError` if the service fails; `silent` is said of one that
        takes too long.
        """
        self._ask = ask
        self._silent = silent
        self._one = anyio.CapacityLimiter(1)
        self._error: SemblanceError | None = None
        self._until = float("-inf")

    async def check(self) -> None:
        """Raise what keeps the service from answering, if anything does."""
        if time.monotonic() >= self._until:
            self._error = await self._asked()
            self._until = time.monotonic() + REMEMBERED_SECONDS
        if self._error is not None:
            raise self._error

    async def _asked(self) -> SemblanceError | None:
        try:
            with anyio.fail_after(PATIENCE_SECONDS):
                # One thread at most: while a call hangs, later ones wait for it in vain, and no
                # thread that searches need is lost.
                await anyio.to_thread.run_sync(self._ask, abandon_on_cancel=True, limiter=self._one)
        except TimeoutError:
            return self._silent
        except SemblanceError as error:
            return error
        return None


def reaches(engine: Engine) -> Sequence[Reach]:
    """What must answer beside this process: nothing where store and queue are inside it."""
    found: list[Reach] = []
    if engine.settings.qdrant_url is not None:
        silent = StoreUnavailable(f"Qdrant does not answer within {PATIENCE_SECONDS:.0f} s.")
        found.append(Reach(engine.store.collections, silent))
    if engine.settings.redis_url is not None:
        late = QueueUnavailable(f"Redis does not answer within {PATIENCE_SECONDS:.0f} s.")
        found.append(Reach(_ping(engine.settings.redis_url), late))
    return found


def _ping(url: str) -> Callable[[], object]:
    from redis import RedisError

    from worker.queues import open_redis

    redis = open_redis(url)

    def ping() -> None:
        try:
            redis.ping()
        except RedisError as error:
            raise QueueUnavailable(f"Redis does not answer ({error}).") from error

    return ping
