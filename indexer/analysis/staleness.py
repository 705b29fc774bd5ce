"""What has changed in a Collection since an analysis looked at it: counted, not compared."""

from __future__ import annotations

from dataclasses import dataclass

from indexer import collections
from indexer.analysis import asking
from indexer.analysis.entry import Analysis, State
from indexer.errors import InvalidInput
from indexer.filters import Filter, Range, all_of
from indexer.ports import VectorStore


@dataclass(frozen=True, slots=True)
class Staleness:
    """Assets that came and went since; `refilled` if the Space was dropped or made anew."""

    added: int = 0
    removed: int = 0
    refilled: bool = False

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.refilled)


class Counting:
    """Counts for several analyses; what is there now is counted once for all over the same."""

    def __init__(self, store: VectorStore) -> None:
        self._store = store
        self._there: dict[tuple[str, Filter], int] = {}

    def staleness(self, analysis: Analysis) -> Staleness | None:
        """What an analysis that is done does not know of; None for a part of another's.

        Added is what was indexed after its vectors had been read. What is there now and was
        neither there then nor added since got its vector later, as in a Space that was still being
        filled.
        """
        if analysis.state is not State.DONE or analysis.request.within is not None:
            return None
        described = collections.get(self._store, analysis.collection)
        try:
            scope = asking.scope_of(described, analysis.request)
        except InvalidInput:  # the Space is gone
            return Staleness(refilled=True)
        if scope.space.fingerprint != analysis.fingerprint:
            return Staleness(refilled=True)
        since = Range("indexed_at", gt=analysis.looked_at or analysis.started_at)
        condition = all_of(scope.with_vector(), since)
        added = self._store.count(analysis.collection, condition)
        left = self._count(analysis.collection, scope.with_vector()) - added
        then = analysis.assets or 0
        return Staleness(added + max(left - then, 0), max(then - left, 0))

    def _count(self, collection: str, condition: Filter) -> int:
        if (collection, condition) not in self._there:
            self._there[collection, condition] = self._store.count(collection, condition)
        return self._there[collection, condition]


def staleness(store: VectorStore, analysis: Analysis) -> Staleness | None:
    """What one analysis does not know of; see `Counting.staleness`."""
    return Counting(store).staleness(analysis)
