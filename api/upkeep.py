"""Keeps the store durable while it is written to, its indexes built when nobody waits, and what
scores mean up to date."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from indexer import spaces
from indexer.domain import Status
from indexer.errors import SemblanceError
from indexer.ledger import assets_where, status_is
from indexer.ports import VectorStore

log = logging.getLogger(__name__)

TICK_SECONDS = 3.0
QUIET_SECONDS = 3.0
"""Building indexes holds the interpreter: it waits for requests to pause this long…"""

LONGEST_WAIT_SECONDS = 60.0
"""…but no longer than this, or a page that polls would put it off for ever."""

MILESTONE = 50_000
"""Assets indexed after which indexes are built even in the midst of indexing."""

LOOK_SECONDS = 60.0
"""How often vectors that lack are counted at rest, where each asset is visited for it."""

_MOST_STEPS = 32
"""Calls that build indexes at one go; an engine that never ends must not keep us here."""


@dataclass(slots=True)
class _Seen:
    """A collection as it was last looked at, and how many were indexed when indexes were built."""

    indexed: int = 0
    pending: int = 0
    lacking: int = 0
    by_status: tuple[int, int] | None = None
    looked_at: float = 0.0
    built_at: int = 0
    due_since: float | None = None


class Upkeep:
    """A thread that flushes, optimises and calibrates the collections that change."""

    def __init__(
        self,
        store: VectorStore,
        calibrate: Callable[[str], object],
        is_reading: Callable[[], bool],
        quiet_for: Callable[[], float],
    ) -> None:
        self._store = store
        self._calibrate = calibrate
        self._is_reading = is_reading
        self._quiet_for = quiet_for
        self._closing = threading.Event()
        self._seen: dict[str, _Seen] = {}
        self._thread = threading.Thread(target=self._work, name="upkeep", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Return once the thread has ended its present call."""
        self._closing.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._closing.wait(TICK_SECONDS):
            try:
                names = self._store.collections()
            except SemblanceError as error:
                log.warning("Upkeep waits: %s", error.message)
                continue
            for name in names:
                self._contained(name)

    def _contained(self, name: str) -> None:
        if self._closing.is_set():
            return
        try:
            self.tend(name)
        except SemblanceError as error:
            log.warning("Upkeep of %s waits: %s", name, error.message)
        except Exception:
            log.exception("Upkeep of %s failed.", name)

    def tend(self, name: str) -> None:
        """Flush and calibrate the collection if it changed; build its indexes if that is due."""
        seen = self._seen.setdefault(name, _Seen())
        indexed, pending = self._counts(name, seen)
        self._store.expect_vectors(name, pending)
        changed = (indexed, pending) != (seen.indexed, seen.pending)
        if changed:
            self._store.flush(name)
            seen.indexed, seen.pending = indexed, pending
        if indexed != seen.built_at and self._is_due(seen, pending):
            for _ in range(_MOST_STEPS):
                # Between its steps requests are answered: each holds the interpreter throughout.
                if self._closing.is_set() or not self._store.optimize(name):
                    break
            seen.built_at, seen.due_since = indexed, None
        if changed and not self._closing.is_set():
            self._calibrate(name)

    def _counts(self, name: str, seen: _Seen) -> tuple[int, int]:
        """How many assets have all their vectors, and how many wait for one.

        An asset that lacks the vector of a Space added later counts when it has it.
        """
        collection = spaces.settle(self._store, name)
        indexed = self._store.count(name, assets_where(status_is(Status.INDEXED)))
        pending = self._store.count(name, assets_where(status_is(Status.PENDING)))
        filling = seen.lacking > 0 or any(space.filling for space in collection.spaces)
        # A retry takes gaps away, which no other count tells.
        long_ago = time.monotonic() - seen.looked_at >= LOOK_SECONDS
        if filling or long_ago or (indexed, pending) != seen.by_status:
            unfilled = spaces.unfilled(collection)
            seen.lacking = 0 if unfilled is None else self._store.count(name, unfilled)
            seen.by_status, seen.looked_at = (indexed, pending), time.monotonic()
        return indexed - seen.lacking, pending + seen.lacking

    def _is_due(self, seen: _Seen, pending: int) -> bool:
        if abs(seen.indexed - seen.built_at) >= MILESTONE:
            return True
        if pending or self._is_reading():
            seen.due_since = None
            return False
        now = time.monotonic()
        seen.due_since = seen.due_since or now
        waited = now - seen.due_since
        return self._quiet_for() >= QUIET_SECONDS or waited >= LONGEST_WAIT_SECONDS
