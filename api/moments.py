"""Answers that many ask for at the same time: worked out once, and shared for a moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

T = TypeVar("T")

_MANY = 1000
"""Answers kept at most before those that are over are cleared away."""


@dataclass(slots=True)
class _Moment:
    until: float = 0.0
    value: Any = None
    working: threading.Lock = field(default_factory=threading.Lock)


class Moments:
    """Keeps answers for a moment. Nothing depends on it: another process works out the same."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._moments: dict[Hashable, _Moment] = {}

    def of(self, key: Hashable, work_out: Callable[[], T], seconds: Callable[[T], float]) -> T:
        """The answer for the key, worked out anew if the last one is older than its `seconds`.

        Those who ask meanwhile wait for it. What `work_out` raises is kept by nobody.
        """
        with self._lock:
            self._clear()
            moment = self._moments.setdefault(key, _Moment())
        with moment.working:
            if self._clock() >= moment.until:
                value = work_out()
                moment.value, moment.until = value, self._clock() + seconds(value)
            return cast("T", moment.value)

    def _clear(self) -> None:
        if len(self._moments) > _MANY:
            now = self._clock()
            kept = {key: one for key, one in self._moments.items() if now < one.until}
            self._moments = kept
