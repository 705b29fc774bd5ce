"""Where the time of a request went."""

from __future__ import annotations

import time


class Clock:
    """Adds up the time spent in named stages."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, float] = {}
        self._open: list[tuple[str, float]] = []

    def __call__(self, stage: str) -> Clock:
        self._open.append((stage, time.perf_counter()))
        return self

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        stage, start = self._open.pop()
        spent = (time.perf_counter() - start) * 1000
        self.milliseconds[stage] = self.milliseconds.get(stage, 0.0) + spent
