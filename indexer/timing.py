"""Where the time of a request went."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any


class Clock:
    """Adds up the time spent in named stages."""

    def __init__(
        self, span: Callable[[str], AbstractContextManager[object]] = lambda _: nullcontext()
    ) -> None:
        """`span` is entered for as long as a stage of that name lasts."""
        self.milliseconds: dict[str, float] = {}
        self._span = span
        self._open: list[tuple[str, float, AbstractContextManager[object]]] = []

    def __call__(self, stage: str) -> Clock:
        span = self._span(stage)
        span.__enter__()
        self._open.append((stage, time.perf_counter(), span))
        return self

    def __enter__(self) -> None:
        return None

    def __exit__(self, *raised: Any) -> None:
        stage, start, span = self._open.pop()
        spent = (time.perf_counter() - start) * 1000
        self.milliseconds[stage] = self.milliseconds.get(stage, 0.0) + spent
        span.__exit__(*raised)
