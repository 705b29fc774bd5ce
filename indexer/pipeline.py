"""Overlap and containment: work in threads ahead of its use, and one bad input fails alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from indexer.errors import Unavailable

T = TypeVar("T")
R = TypeVar("R")


def overlapped(
    pool: ThreadPoolExecutor,
    work: Callable[[T], R],
    values: Iterable[T],
    *,
    ahead: int,
) -> Iterator[tuple[T, R | Exception]]:
    """Each value with its result, in order, while up to `ahead` further ones are being worked on.

    What `work` raises takes the place of the result, except `Unavailable`, which is not about one
    value and stops the iteration. Memory is bounded by `ahead` results.
    """
    waiting: deque[tuple[T, Future[R]]] = deque()
    try:
        for value in values:
            waiting.append((value, pool.submit(work, value)))
            if len(waiting) > ahead:
                value, future = waiting.popleft()
                outcome = _settled(future)
                yield value, outcome
        while waiting:
            value, future = waiting.popleft()
            outcome = _settled(future)
            yield value, outcome
    finally:
        for _, future in waiting:
            future.cancel()


def _settled(future: Future[R]) -> R | Exception:
    try:
        return future.result()
    except Unavailable:
        raise
    except Exception as error:
        return error


def contained(
    work: Callable[[Sequence[T]], Iterable[R]], values: Sequence[T]
) -> list[R | Exception]:
    """One result or exception a value. A batch that raises is halved until the culprit is alone.

    `Unavailable` is raised at once: it is not about one value.
    """
    if not values:
        return []
    try:
        return list(work(values))
    except Unavailable:
        raise
    except Exception as error:
        if len(values) == 1:
            return [error]
    middle = len(values) // 2
    return contained(work, values[:middle]) + contained(work, values[middle:])
