"""How many pairs each threshold would keep, so that a person can choose before a stricter run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.duplicates.candidates import FAR, Candidates

if TYPE_CHECKING:
    import pyarrow as pa

_COSINES = (0.7, 0.75, 0.8, 0.85, 0.9, 0.92, 0.94, 0.96, 0.98, 0.99)
_DISTANCES = (8, 6, 4, 2, 0)


def preview(candidates: Candidates, confirmed: NDArray[np.bool_]) -> pa.Table:
    """Rows of measure ("cosine" at least, "hash_distance" at most), threshold, pairs, confirmed.

    `pairs` are candidates the threshold keeps; `confirmed` are those of them that the check called
    duplicates. `confirmed` has one value a candidate.
    """
    import pyarrow as pa

    rows = []
    for cosine in _COSINES:
        kept = candidates.cosines >= cosine
        rows.append(("cosine", cosine, int(kept.sum()), int((kept & confirmed).sum())))
    if (candidates.distances != FAR).any():
        for most in _DISTANCES:
            kept = candidates.distances <= most
            rows.append(
                ("hash_distance", float(most), int(kept.sum()), int((kept & confirmed).sum()))
            )
    names = ("measure", "threshold", "pairs", "confirmed")
    return pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
