"""Who watches the engine at work: metrics and traces, of which it knows nothing.

Use cases tell `Observers` what they do; whoever opened the engine adds observers to it. Where
nobody watches, telling costs a loop over nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

Fact = str | int


class Observer:
    """The port: what can be seen of the engine. Each call does nothing; adapters replace some.

    Calls come from any thread, must be quick, and must not raise.
    """

    def span(
        self,
        name: str,  # noqa: ARG002
        facts: Mapping[str, Fact],  # noqa: ARG002
    ) -> AbstractContextManager[object]:
        """Entered while a named stretch of work lasts; stretches lie within one another."""
        return nullcontext()

    def took(self, stage: str, seconds: float) -> None:
        """A stage of indexing ended: `read` and `decode` of one picture, `embed` and `write` of
        one batch.
        """

    def searched(self, seconds: Mapping[str, float], total: float) -> None:
        """A search was answered: seconds by stage (`model`, `store`), and all in all."""

    def recorded(self, collection: str, outcome: str) -> None:
        """An asset was found and is in the ledger: its status, or `known` if it was there."""

    def indexed(self, collection: str, kind: str, count: int) -> None:
        """That many assets of a Kind were given what they lacked."""

    def failed(self, collection: str, what: str, reason: str) -> None:
        """An asset of a Kind, or a `document`, cannot be used; `reason` is the ledger's code."""


class Observers(Observer):
    """Any number of observers as one; at first there are none."""

    def __init__(self) -> None:
        self._all: tuple[Observer, ...] = ()

    def add(self, observer: Observer) -> None:
        """From now on this one watches as well."""
        self._all = (*self._all, observer)

    @contextmanager
    def span(self, name: str, facts: Mapping[str, Fact] | None = None) -> Iterator[None]:
        with ExitStack() as stack:
            for observer in self._all:
                stack.enter_context(observer.span(name, facts or {}))
            yield

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Tell how long the block took, if it ends well; no span of its own."""
        start = time.perf_counter()
        yield
        self.took(stage, time.perf_counter() - start)

    @contextmanager
    def stage(self, stage: str, facts: Mapping[str, Fact]) -> Iterator[None]:
        """A stage of indexing as a span, and how long it took."""
        with self.span(f"index {stage}", facts), self.timed(stage):
            yield

    def took(self, stage: str, seconds: float) -> None:
        for observer in self._all:
            observer.took(stage, seconds)

    def searched(self, seconds: Mapping[str, float], total: float) -> None:
        for observer in self._all:
            observer.searched(seconds, total)

    def recorded(self, collection: str, outcome: str) -> None:
        for observer in self._all:
            observer.recorded(collection, outcome)

    def indexed(self, collection: str, kind: str, count: int) -> None:
        for observer in self._all:
            observer.indexed(collection, kind, count)

    def failed(self, collection: str, what: str, reason: str) -> None:
        for observer in self._all:
            observer.failed(collection, what, reason)
