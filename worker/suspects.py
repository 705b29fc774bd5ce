"""What ended workers: it is worked on in ever smaller batches, at last alone, and then given up.

A batch of 256 that ends its worker is cut to 64, 16, 4, and 1. What stands alone is worked on with
nothing else in its process, so that what dies with it dies of it; twice, and it has failed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

BATCH = 256
"""Assets a message: as many as a GPU takes in one pass; a worker cuts them into what suits it."""

MOST_LOSSES = 6
_ALONE_FROM = 4


def batch_size(losses: int) -> int:
    """How many assets with so many losses may be worked on together."""
    return max(1, BATCH // int(4**losses))


def is_suspect(losses: int) -> bool:
    """True if it is to be worked on with nothing else in the process."""
    return losses >= _ALONE_FROM


class Gate:
    """Lets many in together, or one alone; who wants to be alone is not passed by newcomers."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._together = 0
        self._alone = False
        self._waiting = 0

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Be in with any others."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone and not self._waiting)
            self._together += 1
        try:
            yield
        finally:
            with self._changed:
                self._together -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be in with nobody else."""
        with self._changed:
            self._waiting += 1
            try:
                self._changed.wait_for(lambda: not self._alone and not self._together)
            finally:
                self._waiting -= 1
            self._alone = True
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()
