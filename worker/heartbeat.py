"""Tells others that a worker lives and what it does, and notices when it takes no jobs any more.

A worker that could not acknowledge its messages, because Redis was away just then, counts them for
ever among those it may have at once, and never asks for another: it looks well and does nothing.
One that has nothing in hand while jobs wait, for longer than a reconnection takes, starts over.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence

from indexer.errors import SemblanceError
from indexer.ledger import now
from worker.broker import Broker
from worker.custody import Custody, process_name
from worker.stopping import Stop

log = logging.getLogger(__name__)

_MOST_IDLE_SECONDS = 40.0
"""Celery tries to reconnect at least every thirty."""

_CLOSING_SECONDS = 10.0


class Heartbeat:
    """A thread that says now and then, for so many seconds each time, what this worker does."""

    def __init__(
        self,
        broker: Broker,
        seconds: float,
        custody: Custody,
        stop: Stop,
        queues: Sequence[str],
        device: str,
        on_stuck: Callable[[], None],
    ) -> None:
        self._broker = broker
        self._seconds = seconds
        self._custody = custody
        self._stop = stop
        self._queues = list(queues)
        self._on_stuck = on_stuck
        self._busy_at = time.monotonic()
        self._reached = True
        self._name = process_name()
        self._about = {
            "name": self._name,
            "queues": self._queues,
            "device": device,
            "started_at": now(),
        }
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Say that the worker is gone."""
        self._closing.set()
        self._thread.join(_CLOSING_SECONDS)
        try:
            self._broker.retire(self._name)
        except SemblanceError as error:
            log.info("The end is not announced: %s", error.message)

    def _beat(self) -> None:
        while True:
            try:
                self._say()
                self._reached = True
            except SemblanceError as error:
                # Said once: it is tried again every few seconds.
                log.log(logging.INFO if self._reached else logging.DEBUG, "%s", error.message)
                self._reached = False
                self._busy_at = time.monotonic()
            except Exception:
                log.exception("A heartbeat failed.")
            if self._closing.wait(self._seconds / 4):
                return

    def _say(self) -> None:
        about = json.dumps({**self._about, "in_hand": self._custody.in_hand})
        self._broker.announce(self._name, about, self._seconds)
        if not self._stop.is_idle or not self._broker.waiting(self._queues):
            self._busy_at = time.monotonic()
        elif time.monotonic() - self._busy_at > _MOST_IDLE_SECONDS:
            log.critical("Jobs wait and this worker takes none; it starts over.")
            self._on_stuck()
