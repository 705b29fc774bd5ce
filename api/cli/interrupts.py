"""Ctrl-C and a polite kill, taken only where they can do no harm.

An exception that lands inside Python's import machinery can leave a lock of it held for ever, and
then every thread that imports something, as the one that loads a model does, waits for ever too.
So a signal that arrives during an import is sent once more a moment later.
"""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import NoReturn

TERMINATED = 128 + signal.SIGTERM
_MOMENT_SECONDS = 0.05
_IMPORTING = "<frozen importlib._bootstrap>"


def install() -> None:
    """Take over both signals; call it in the main thread."""
    signal.signal(signal.SIGINT, _on_signal)
    signal.signal(signal.SIGTERM, _on_signal)


def end_at_once() -> None:
    """From here on either signal ends the process without a word.

    Everything has been said by then and exit handlers run, in which an exception is shown and
    stops nothing.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: os._exit(128 + number))


def _on_signal(number: int, frame: FrameType | None) -> None:
    if is_importing(frame):
        again = threading.Timer(_MOMENT_SECONDS, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()
        return
    _end_by(number)


def is_importing(frame: FrameType | None) -> bool:
    """True if this frame, or one that called it, belongs to the import machinery."""
    while frame is not None:
        if frame.f_code.co_filename == _IMPORTING:
            return True
        frame = frame.f_back
    return False


def _end_by(number: int) -> NoReturn:
    if number == signal.SIGTERM:
        raise SystemExit(TERMINATED)
    raise KeyboardInterrupt
