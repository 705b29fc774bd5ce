"""What an analysis is given: vectors in rows, and what the ledger knows of each row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.gathering import payloads
from indexer.analysis.method import Progress
from indexer.analysis.neighbours import NeighbourGraph
from indexer.blob_store import BlobStore
from indexer.collections import Collection
from indexer.domain import AssetId, Kind, Payload, Space
from indexer.ports import Embedders, VectorStore
from indexer.readers.found import Limits

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Access:
    """The ports behind a Subject, for what its vectors alone do not tell."""

    store: VectorStore
    blobs: BlobStore
    embedders: Embedders
    limits: Limits


@dataclass(frozen=True, slots=True)
class Subject:
    """The assets that an analysis is about, as they were when it began.

    `ids`: one a row, in their order. `vectors`: float32 unit rows, shape (n, dimension), all
    finite; do not write into them. `kind`: None if both are in it. `without_vectors`: how many
    assets were asked for and have no vector in this Space.

    `graph(k)`: the k nearest neighbours of each row (fewer where there are not so many), from the
    graph that is kept, brought up to date. `beside(space)`: this Subject and one in another Space,
    both cut down to the assets that have a vector in both, row by row the same assets. `earlier(
    name)`: tables of the latest analysis of that name over the same Space and Kind, or None;
    `all_earlier(name)`: those of each, newest first, read when their turn comes. `tables(
    analysis)`: those of the analysis with this id.
    """

    collection: Collection
    space: Space
    kind: Kind | None
    ids: Sequence[AssetId]
    vectors: NDArray[np.float32]
    without_vectors: int
    progress: Progress
    access: Access
    graph: Callable[[int], NeighbourGraph]
    beside: Callable[[str], tuple[Subject, Subject]]
    earlier: Callable[[str], Mapping[str, pa.Table] | None]
    all_earlier: Callable[[str], Iterator[Mapping[str, pa.Table]]]
    tables: Callable[[str], Mapping[str, pa.Table]]

    def __len__(self) -> int:
        return len(self.ids)

    def payloads(self, *fields: str) -> list[Payload]:
        """What the ledger keeps of each row under these keys; empty for one deleted meanwhile."""
        return payloads(self.access.store, self.collection.name, self.ids, fields)
