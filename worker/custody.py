"""Keeps what this process has in hand: leases are renewed for as long as the work goes on."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

from indexer import leases
from indexer.domain import AssetId
from indexer.errors import SemblanceError
from indexer.ports import VectorStore
from worker.suspects import Gate, batch_size, is_suspect

log = logging.getLogger(__name__)

_CLOSING_SECONDS = 10.0


@cache
def process_name() -> str:
    """What this process is called among all others; one that starts over has another name."""
    return f"{socket.gethostname()}/{os.getpid()}-{uuid.uuid4().hex[:4]}"


@dataclass(frozen=True, slots=True)
class Held:
    """Something that is being worked on."""

    collection: str
    ids: Sequence[AssetId]
    owner: str
    longest: float
    """Seconds after which something must be wrong."""
    since: float = field(default_factory=time.monotonic)


class Custody:
    """The leases of this process, and the thread that renews them.

    A process that dies renews nothing: after `seconds` what it had is in nobody's hands.
    `on_overdue` is called with what has been in hand for longer than `longest` seconds.
    """

    def __init__(
        self,
        store: VectorStore,
        seconds: float,
        *,
        longest: float = float("inf"),
        on_overdue: Callable[[Held], None] | None = None,
    ) -> None:
        self._store = store
        self._seconds = seconds
        self._longest = longest
        self._on_overdue = on_overdue
        self._held: dict[str, Held] = {}
        self._lock = threading.Lock()
        self._gate = Gate()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="custody", daemon=True)
        self._thread.start()

    @contextmanager
    def of(self, collection: str, ids: Sequence[AssetId]) -> Iterator[list[AssetId]]:
        """What of it nobody else has; it is this process's until the block ends.

        What has ended several workers is worked on with nothing else in the process, and not at
        all in a larger batch than its losses allow: then it is left to a sweep. Raises
        `Unavailable` if the store does not answer.
        """
        with self._gate.shared(), self._taken(collection, ids, self._longest) as taken:
            if not any(is_suspect(lost) for lost in taken.values()):
                yield [id for id, lost in taken.items() if len(ids) <= batch_size(lost)]
                return
        with self._gate.alone(), self._taken(collection, ids, self._longest) as taken:
            yield [id for id, lost in taken.items() if len(ids) <= batch_size(lost)]

    @contextmanager
    def of_analysis(self, collection: str, id: AssetId, longest: float) -> Iterator[bool]:
        """True if nobody else has the analysis; it is overdue after `longest` seconds.

        It goes beside all else: what wants to be alone in the process does not wait for its end.
        """
        with self._taken(collection, [id], longest) as taken:
            yield bool(taken)

    @contextmanager
    def _taken(
        self, collection: str, ids: Sequence[AssetId], longest: float
    ) -> Iterator[dict[AssetId, int]]:
        owner = f"{process_name()}/{uuid.uuid4().hex[:8]}"
        mine = leases.take(self._store, collection, ids, owner, self._seconds)
        with self._lock:
            self._held[owner] = Held(collection, list(mine), owner, longest)
        try:
            yield mine
        finally:
            with self._lock:
                held = self._held.pop(owner)
            self._release(held)

    @property
    def in_hand(self) -> int:
        """How many assets are being worked on in this process."""
        with self._lock:
            return sum(len(held.ids) for held in self._held.values())

    def let_go(self) -> None:
        """Give back all that is in hand, unfinished as it is: others may take it at once."""
        with self._lock:
            held = list(self._held.values())
        for one in held:
            self._release(one)

    def close(self) -> None:
        """Renew nothing any more."""
        self._closing.set()
        self._thread.join(_CLOSING_SECONDS)

    def _release(self, held: Held) -> None:
        try:
            if held.ids:
                leases.release(self._store, held.collection, held.ids, held.owner)
        except SemblanceError as error:
            log.info("A lease is left to expire: %s", error.message)

    def _renew(self) -> None:
        while not self._closing.wait(self._seconds / 4):
            with self._lock:
                held = list(self._held.values())
            for one in held:
                if self._on_overdue is not None and time.monotonic() - one.since > one.longest:
                    self._on_overdue(one)
                    continue
                try:
                    leases.renew(self._store, one.collection, one.ids, one.owner, self._seconds)
                except SemblanceError as error:
                    log.warning("A lease could not be renewed: %s", error.message)
                except Exception:
                    log.exception("A lease could not be renewed.")
