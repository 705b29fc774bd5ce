"""Reads what an analysis is about from the store: vectors in rows, and payloads beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.method import Progress
from indexer.batches import batches
from indexer.domain import AssetId, Kind, Payload, Space, Status
from indexer.errors import InvalidInput
from indexer.filters import Equals, Filter, HasVector, Not
from indexer.ledger import PAGE, assets_where, scroll_all, status_is
from indexer.ports import VectorStore


@dataclass(frozen=True, slots=True)
class Scope:
    """Which assets: those that are indexed, of one Kind or both, that fulfil the condition."""

    collection: str
    space: Space
    kind: Kind | None = None
    condition: Filter | None = None

    def with_vector(self) -> Filter:
        """A filter for the assets that have a vector in the Space."""
        return assets_where(*self._asked(), HasVector(self.space.name))

    def without_vector(self) -> Filter:
        """A filter for the assets that were asked for and have none."""
        return assets_where(*self._asked(), Not(HasVector(self.space.name)))

    def _asked(self) -> tuple[Filter | None, ...]:
        kind = None if self.kind is None else Equals("kind", self.kind.value)
        return (status_is(Status.INDEXED), kind, self.condition)


@dataclass(frozen=True, slots=True)
class Rows:
    """Assets in the order of their ids, and their unit vectors, shape (n, dimension)."""

    ids: Sequence[AssetId]
    vectors: NDArray[np.float32]


def gather(store: VectorStore, scope: Scope, progress: Progress) -> Rows:
    """Read the vectors of a scope, page by page, into one matrix.

    What is added or deleted meanwhile is in it or not, but nothing is in it twice. Raises
    `InvalidInput` naming an asset whose vector is not finite.
    """
    space = scope.space.name
    condition = scope.with_vector()
    expected = store.count(scope.collection, condition)
    vectors = np.empty((expected, scope.space.dimension), np.float32)
    ids: list[AssetId] = []
    found = scroll_all(store, scope.collection, condition, fields=(), spaces=(space,))
    for point in found:
        row = point.vectors.get(space)
        if row is None:
            continue
        if len(ids) == len(vectors):  # some were added since they were counted
            room = np.empty((max(PAGE, len(ids) // 16), vectors.shape[1]), np.float32)
            vectors = np.concatenate([vectors, room])
        vectors[len(ids)] = row
        ids.append(point.id)
        if len(ids) % PAGE == 0:
            progress.step("Reading vectors", len(ids), expected)
    return Rows(ids, _unit(vectors[: len(ids)], ids, scope))


def payloads(
    store: VectorStore, collection: str, ids: Sequence[AssetId], fields: Sequence[str]
) -> list[Payload]:
    """What the ledger keeps under these keys, row by row; empty for what is not there any more."""
    found: list[Payload] = []
    for batch in batches(ids, PAGE):
        there = {point.id: point.payload for point in store.get(collection, batch)}
        for id in batch:
            payload = there.get(id, {})
            found.append({key: payload[key] for key in fields if key in payload})
    return found


def _unit(
    vectors: NDArray[np.float32], ids: Sequence[AssetId], scope: Scope
) -> NDArray[np.float32]:
    """The rows at length 1; one of length 0 stays as it is, like nothing."""
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    if not np.isfinite(norms).all():
        id = ids[int(np.flatnonzero(~np.isfinite(norms))[0])]
        raise InvalidInput(
            f"The vector of asset {id} in space {scope.space.name!r} is not finite; give it "
            "another one, or delete the asset.",
            collection=scope.collection,
            asset=id,
        )
    # Stores keep unit vectors: then nothing is copied.
    if np.allclose(norms, 1, atol=1e-4):
        return vectors
    unit: NDArray[np.float32] = vectors / np.maximum(norms, np.float32(1e-12))[:, None]
    return unit
