"""Writes what became of a batch: its vectors first, then the marks, and who watches is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer import marks
from indexer.domain import Asset, PointVectors, SparseVector, Status
from indexer.ledger import reason_of
from indexer.observing import Observers
from indexer.ports import VectorStore

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Results:
    """What was made of assets of one Kind: by Space a vector or an error each, in their order.

    `terms` are those of texts, for the sparse field.
    """

    assets: Sequence[Asset]
    columns: Mapping[str, Sequence[Vector | Exception]]
    terms: Sequence[SparseVector] | None = None


def write(store: VectorStore, observers: Observers, collection: str, results: Results) -> int:
    """Write the vectors of a batch, then the marks; returns how many assets were given any."""
    rows: list[PointVectors] = []
    failures: list[tuple[Asset, marks.Failures]] = []
    for position, asset in enumerate(results.assets):
        found = {name: column[position] for name, column in results.columns.items()}
        vectors = {n: value for n, value in found.items() if not isinstance(value, Exception)}
        errors = {n: value for n, value in found.items() if isinstance(value, Exception)}
        failures.append((asset, errors))
        if not errors or (vectors and asset.status is Status.INDEXED):
            sparse = results.terms[position] if results.terms is not None else None
            rows.append(PointVectors(asset.id, vectors, sparse))
    with observers.stage("write", {"assets": len(rows)}):
        if rows:
            store.write_vectors(collection, rows)
        note_failed(store, observers, collection, failures)
        # Status last: a crash before this line leaves the asset pending, and complete.
        written = {row.id for row in rows}
        pending = [asset.id for asset in results.assets if asset.status is Status.PENDING]
        marks.mark_indexed(store, collection, [id for id in pending if id in written])
    if rows:
        observers.indexed(collection, results.assets[0].kind.value, len(rows))
    return len(rows)


def note_failed(
    store: VectorStore,
    observers: Observers,
    collection: str,
    failures: Sequence[tuple[Asset, marks.Failures]],
) -> None:
    """Mark the assets that have errors as failed, each for the first of them."""
    marks.mark_failed(store, collection, failures)
    for asset, errors in failures:
        for error in [*errors.values()][:1]:
            observers.failed(collection, asset.kind.value, reason_of(error).code)
