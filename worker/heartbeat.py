"""Tells others that a worker lives and what it does, and notices when it takes no jobs any more.

A worker that could not acknowledge its messages, because Redis was away just then, counts them for
ever among those it may have at once, and never asks for another: it looks well and does nothing.
One that has nothing in hand while jobs wait, for longer than a reconnection takes, starts over.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Sequence

from indexer.errors import SemblanceError
from indexer.ledger import now
from worker.broker import Broker
from worker.custody import Custody

log = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
FORGOTTEN_SECONDS = 20
_MOST_IDLE_BEATS = 8
"""Forty seconds; Celery tries to reconnect at least every thirty."""


class Heartbeat:
    """A thread that says every few seconds what this worker does."""

    def __init__(
        self,
        broker: Broker,
        custody: Custody,
        queues: Sequence[str],
        device: str,
        on_stuck: Callable[[], None],
    ) -> None:
        self._broker = broker
        self._custody = custody
        self._queues = list(queues)
        self._on_stuck = on_stuck
        self._idle_beats = 0
        self._name = f"{socket.gethostname()}/{os.getpid()}"
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
        self._thread.join()
        try:
            self._broker.retire(self._name)
        except SemblanceError as error:
            log.info("The end is not announced: %s", error.message)

    def _beat(self) -> None:
        while True:
            try:
                self._say()
            except SemblanceError as error:
                log.info("No heartbeat: %s", error.message)
                self._idle_beats = 0
            if self._closing.wait(BEAT_SECONDS):
                return

    def _say(self) -> None:
        in_hand = self._custody.in_hand
        about = json.dumps({**self._about, "in_hand": in_hand})
        self._broker.announce(self._name, about, FORGOTTEN_SECONDS)
        waiting = self._broker.waiting(self._queues)
        self._idle_beats = self._idle_beats + 1 if waiting and not in_hand else 0
        if self._idle_beats >= _MOST_IDLE_BEATS:
            log.critical("Jobs wait and this worker takes none; it starts over.")
            self._on_stuck()
