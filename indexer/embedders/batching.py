"""What goes through a model together: stacked pictures, and texts of similar length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from indexer.batches import batches
from indexer.ports import Pixels


def stacked(prepared: Sequence[Pixels], size: int) -> Iterator[tuple[Pixels]]:
    """Prepared images as batches of at most `size`."""
    for some in batches(prepared, size):
        yield (np.stack(some),)


def batches_by_length(lengths: Sequence[int], size: int) -> Iterator[list[int]]:
    """Row numbers in batches of at most `size`, longest first.

    So little is computed for padding, and memory that does not suffice is noticed at once.
    """
    yield from batches(sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True), size)
