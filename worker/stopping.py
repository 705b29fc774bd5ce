"""How a worker process ends, or starts over.

Celery's own way of ending at once asks the pool to kill its tasks, which threads cannot do: the
process would wait for the batch after all. So signals are ours. Gently means Celery's warm
shut-down; at once means that what is at hand is given back and the process is gone.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn, cast

from worker.custody import Custody

log = logging.getLogger(__name__)

STOPPED = 130
"""Exit status of a worker that was told to end at once."""

_PATIENCE_SECONDS = 80.0
"""Less than systemd, compose and Kubernetes wait before they kill."""


class Stop:
    """Whether the worker is to end, and how many tasks are at work in it."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._lock = threading.Lock()
        self._tasks = 0

    def ask(self) -> None:
        """Begin to end: whoever waits to try again gives up."""
        self._asked.set()

    def wait(self, seconds: float) -> bool:
        """True as soon as the worker is to end; False after so many seconds."""
        return self._asked.wait(seconds)

    def is_asked(self) -> bool:
        """True once the worker is to end."""
        return self._asked.is_set()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Count a task, from before it asks for its assets."""
        with self._lock:
            self._tasks += 1
        try:
            yield
        finally:
            with self._lock:
                self._tasks -= 1

    @property
    def is_idle(self) -> bool:
        """True if no task is at work."""
        with self._lock:
            return not self._tasks


def install_signals(custody: Custody, stop: Stop) -> None:
    """SIGTERM and Ctrl-C end the worker gently, a second one at once, as SIGQUIT does.

    What is not finished soon is given back, before whoever sent the signal loses patience.
    """
    from celery.worker import state

    def end_now(*_: object) -> None:
        # In a thread: the signal may have come while this one held a lock that is needed.
        threading.Thread(target=end_at_once, args=(custody,)).start()

    def end_gently(number: int, _: FrameType | None) -> None:
        signal.signal(number, end_now)
        log.warning("Ending after what is at hand; the same signal again ends it at once.")
        stop.ask()
        patience = threading.Timer(_PATIENCE_SECONDS, end_at_once, args=(custody,))
        patience.daemon = True
        patience.start()
        cast("Any", state).should_stop = 0

    signal.signal(signal.SIGTERM, end_gently)
    signal.signal(signal.SIGINT, end_gently)
    signal.signal(signal.SIGQUIT, end_now)


def end_at_once(custody: Custody) -> NoReturn:
    """Give back what is at hand, and end the process without waiting for its threads."""
    log.warning("Ending at once; what was at hand is left to others.")
    custody.let_go()
    logging.shutdown()
    os._exit(STOPPED)


def start_over() -> NoReturn:
    """Replace this process by a new one with the same arguments; its threads end here and now."""
    logging.shutdown()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
