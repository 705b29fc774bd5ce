"""How fast a job goes and how long it will take, counted over the ledger alone.

The rate is how many assets were settled (indexed or failed) in a recent window, by the second.
Any process that asks at the same moment counts the same.

Assets are stamped by the worker that settles them, the window is cut by the process that asks.
Their clocks may differ: the window therefore ends `MARGIN` before now, so that clocks up to that
far apart, either way, leave the rate exact. Beyond it, a clock that is s seconds behind hides
(s - 2) of the 30 seconds of what its worker did; one that is ahead shows the rate of s seconds
ago. Hosts that run any time service differ by milliseconds.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from indexer.domain import Status
from indexer.filters import Filter, Range
from indexer.ledger import assets_where, status_is, written
from indexer.ports import VectorStore

WINDOW = timedelta(seconds=30)
MARGIN = timedelta(seconds=2)
SHORTEST = timedelta(seconds=3)
"""What happened in less time than this says little about what is to come."""


def rate(
    store: VectorStore, collection: str, of: Filter, since: str, *, at: datetime | None = None
) -> float | None:
    """Assets settled per second in the window before `at` (now), but not before `since`.

    None while the work is too young to tell; 0 if nothing moved in the whole window.
    """
    end = (at or datetime.now(UTC)) - MARGIN
    begin = max(end - WINDOW, datetime.fromisoformat(since))
    if end - begin < SHORTEST:
        return None
    settled = sum(
        store.count(
            collection,
            assets_where(of, status_is(status), Range(stamp, gt=written(begin), lte=written(end))),
        )
        for status, stamp in ((Status.INDEXED, "indexed_at"), (Status.FAILED, "failed_at"))
    )
    return settled / (end - begin).total_seconds()


def seconds_left(pending: int, per_second: float | None) -> float | None:
    """How long the pending assets take at this rate; None if that cannot be said."""
    return pending / per_second if per_second else None
