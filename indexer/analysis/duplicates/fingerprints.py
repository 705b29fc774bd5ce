"""The perceptual hashes of a Subject's pictures: each is decoded once, small, and remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.duplicates.hashes import Hashes, perceptual_hash
from indexer.analysis.duplicates.pictures import assets, views
from indexer.analysis.duplicates.verdicts import is_flat
from indexer.analysis.method import Progress
from indexer.analysis.subject import Access
from indexer.batches import batches
from indexer.domain import AssetId, Reason
from indexer.ledger import PAGE, reason_of

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(slots=True)
class Fingerprints:
    """One hash a row; `usable` is False for a picture that shows nothing or cannot be opened."""

    ids: Sequence[AssetId]
    hashes: Hashes
    usable: NDArray[np.bool_]
    problems: dict[AssetId, Reason] = field(default_factory=dict)
    decoded: int = 0

    @property
    def flat(self) -> int:
        """Pictures of a single tone: there is nothing in them to be compared."""
        return int((~self.usable).sum()) - len(self.problems)

    def table(self) -> pa.Table:
        """The hashes as they are kept for the next run; null for a picture that shows nothing."""
        import pyarrow as pa

        readable = [row for row, id in enumerate(self.ids) if id not in self.problems]
        return pa.table(
            {
                "id": pa.array([self.ids[row] for row in readable], pa.string()),
                "hash": pa.array(self.hashes[readable], mask=~self.usable[readable]),
            }
        )


def fingerprints(
    access: Access,
    collection: str,
    ids: Sequence[AssetId],
    earlier: Mapping[str, pa.Table] | None,
    pool: ThreadPoolExecutor,
    progress: Progress,
) -> Fingerprints:
    """The hashes of these pictures; those in an earlier run's table are not decoded again.

    Content never changes under an id, so a hash holds for good. What could not be opened is tried
    again.
    """
    found = Fingerprints(ids, np.zeros(len(ids), np.uint64), np.zeros(len(ids), np.bool_))
    missing = _remembered(found, earlier)
    rows = {id: row for row, id in enumerate(ids)}
    for batch in batches(missing, PAGE):
        known = assets(access, collection, batch)
        for asset, outcome in views(access, known.values(), pool):
            row = rows[asset.id]
            if isinstance(outcome, Exception):
                found.problems[asset.id] = reason_of(outcome)
            elif not is_flat(outcome):
                found.hashes[row] = perceptual_hash(outcome.grey)
                found.usable[row] = True
        found.decoded += len(batch)
        progress.step("Looking at pictures", found.decoded, len(missing))
    return found


def _remembered(found: Fingerprints, earlier: Mapping[str, pa.Table] | None) -> list[AssetId]:
    """Fill in what an earlier run knows; returns what it does not."""
    table = None if earlier is None else earlier.get("fingerprints")
    if table is None:
        return list(found.ids)
    known = dict(zip(table["id"].to_pylist(), table["hash"].to_pylist(), strict=True))
    missing = []
    for row, id in enumerate(found.ids):
        if id not in known:
            missing.append(id)
        elif (hash := known[id]) is not None:
            found.hashes[row] = hash
            found.usable[row] = True
    return missing
