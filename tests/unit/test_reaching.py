"""Readiness asks the services it stands on, not too often and not for long."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from api.reaching import Reach, reaches
from indexer.errors import StoreUnavailable
from tests.lab import Lab, engine_of


def ended(work: Callable[[], Awaitable[None]]) -> None:
    """Run it to its end, in a thread: the browser of other tests keeps a loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(anyio.run, work).result()


def test_a_service_is_asked_once_a_second() -> None:
    asked: list[int] = []
    reach = Reach(lambda: asked.append(1), StoreUnavailable("silent"))

    async def twice() -> None:
        await reach.check()
        await reach.check()

    ended(twice)
    assert len(asked) == 1


def test_a_service_that_hangs_is_given_up(lab: Lab) -> None:
    released = threading.Event()
    reach = Reach(released.wait, StoreUnavailable("Qdrant does not answer."))
    with pytest.raises(StoreUnavailable, match="does not answer"):
        ended(reach.check)
    released.set()


def test_an_engine_in_one_process_asks_nobody(lab: Lab) -> None:
    assert reaches(engine_of(lab)) == []
