"""The borders of the engine: where vectors live, what makes them, who is handed the work.

Use cases know these and `indexer.blob_store`, and never the adapters behind them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from indexer.domain import (
    AssetId,
    FieldType,
    Kind,
    NearestQuery,
    Payload,
    Point,
    PointVectors,
    ScoredPoint,
    Space,
    StoredPoint,
)
from indexer.filters import Filter

Vectors = NDArray[np.float32]
Pixels = NDArray[Any]
"""A picture in a model's size: bytes of shape (height, width, 3), or what else the model's own
library makes of it."""


class VectorStore(Protocol):
    """Owns the points of every Collection; the only place where state is kept.

    All ids are UUID text. Vectors go in as float32 rows and are compared by cosine. Everything is
    validated before the engine sees it (`indexer.stores.validation`), and raises `InvalidInput`.
    A collection that does not exist raises `CollectionNotFound`; an engine that does not answer
    raises `StoreUnavailable`; a folder that another process owns raises `StoreLocked`.

    Where a Collection is named, an alias will do. It may lead elsewhere at the next call: who makes
    several asks `aliases` once, and goes on with the Collection's own name.
    """

    def create_collection(self, collection: str, spaces: Sequence[Space]) -> None:
        """Make an empty Collection with one vector field a Space and the sparse field `bm25`.

        Payload indexes of the ledger's own fields are made here. Raises `CollectionExists`, also
        for the name of an alias.
        """

    def drop_collection(self, collection: str) -> None:
        """Remove the Collection and everything in it, for good; its aliases go with it.

        Raises `Conflict` for an alias: so much is not removed by another name.
        """

    def collections(self) -> list[str]:
        """Names of all Collections, sorted; aliases are not among them."""

    def aliases(self) -> Mapping[str, str]:
        """Further names of Collections: alias to Collection, in the order of the aliases."""

    def set_alias(self, alias: str, collection: str) -> None:
        """Make the alias lead to the Collection, in one step wherever it led before.

        Raises `CollectionExists` for the name of a Collection, `CollectionNotFound`, and
        `InvalidInput` if the Collection is named by an alias.
        """

    def drop_alias(self, alias: str) -> bool:
        """Forget the alias, and nothing else; False if there was none."""

    def add_space(self, collection: str, space: Space) -> None:
        """Give the Collection one more vector field, empty; idempotent.

        Raises `SpaceMismatch` if it has one of that name with another dimension.
        """

    def drop_space(self, collection: str, space: str) -> bool:
        """Remove a vector field and all its vectors, for good; False if there was none."""

    def index_field(self, collection: str, field: str, type: FieldType) -> None:
        """Make filters, facets and ordering over the payload field fast; idempotent."""

    def insert(self, collection: str, points: Sequence[Point]) -> None:
        """Add points whose id is not there yet; a point that is there keeps all it has."""

    def write_vectors(self, collection: str, rows: Sequence[PointVectors]) -> None:
        """Give existing points vectors; other Spaces keep theirs, missing ids are passed over."""

    def set_payload(
        self,
        collection: str,
        payloads: Mapping[AssetId, Payload],
        *,
        only: Filter | None = None,
    ) -> None:
        """Merge top-level payload keys into existing points; missing ids are passed over.

        A value of None removes the key. With `only` a point is changed if it fulfils the
        condition at the moment of writing, which the engine decides: of several processes that
        race to change what they all have seen, the first wins, and reading back tells which.
        """

    def delete(self, collection: str, ids: Sequence[AssetId]) -> None:
        """Remove points; missing ids are passed over."""

    def get(
        self, collection: str, ids: Sequence[AssetId], spaces: Sequence[str] = ()
    ) -> list[StoredPoint]:
        """The points that exist, in the order asked for, with the vectors of the Spaces named."""

    def scroll(
        self,
        collection: str,
        filter: Filter | None = None,
        *,
        limit: int = 256,
        after: AssetId | None = None,
        spaces: Sequence[str] = (),
        fields: Sequence[str] | None = None,
    ) -> tuple[list[StoredPoint], AssetId | None]:
        """One page in id order and the id to continue from (None at the end).

        `fields` limits the payload to those top-level keys.
        """

    def count(self, collection: str, filter: Filter | None = None) -> int:
        """Exactly how many points match."""

    def facet(
        self, collection: str, field: str, filter: Filter | None = None, *, limit: int = 100
    ) -> dict[str, int]:
        """Exact counts by value of a payload field, most frequent first; values as text."""

    def nearest(self, collection: str, queries: Sequence[NearestQuery]) -> list[list[ScoredPoint]]:
        """For each query its nearest points, best first; scores are cosines, or BM25 if sparse."""

    def flush(self, collection: str) -> None:
        """Make every acknowledged write survive a power cut."""

    def optimize(self, collection: str) -> bool:
        """Build or merge indexes where due; True if anything was done. May take seconds."""

    @property
    def snapshot_format(self) -> str:
        """Whose files `save_snapshot` writes: only a store of the same can load them."""

    def save_snapshot(self, collection: str, file: Path) -> None:
        """Write the whole Collection, as it is now, to a new file.

        Raises `Conflict` where one snapshot cannot hold it, as on several nodes.
        """

    def load_snapshot(self, collection: str, file: Path, sha256: str) -> None:
        """Make the Collection from a file that `save_snapshot` wrote and that has this checksum.

        Raises `CollectionExists`, and `InvalidInput` for a file that is no snapshot.
        """

    def expect_vectors(self, collection: str, waiting: int) -> None:
        """Say how many assets are still to be given vectors; to be said again and again.

        A server puts off building indexes while very many are to come. What was said last
        counts, whoever said it: a process that dies in between leaves nothing behind for long.
        """

    def close(self) -> None:
        """Flush and release everything; the store cannot be used afterwards."""


class Embedder(Protocol):
    """Turns a batch of images or texts into unit vectors of one Space.

    Safe to call from several threads; implementations serialise what their model cannot overlap.
    """

    @property
    def name(self) -> str:
        """The name in the catalogue, e.g. `mini` or `clip-vit-b-32`."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same input would give other vectors (hash of weights and set-up)."""

    @property
    def dimension(self) -> int: ...

    @property
    def kinds(self) -> frozenset[Kind]: ...

    @property
    def image_size(self) -> int:
        """Shorter side in pixels below which a decoded image loses detail for this model."""

    @property
    def text_window(self) -> int:
        """How many tokens of a text the model reads, special tokens not counted."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens not counted."""

    def prepare(self, image: PIL.Image.Image) -> Pixels:
        """An RGB image in the model's size; runs in decoding threads."""

    def embed_images(self, prepared: Sequence[Pixels]) -> Vectors:
        """Unit vectors, shape (n, dimension), of prepared images."""

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (n, dimension), of passages; longer texts are cut at the window."""

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (n, dimension), of search queries."""


@dataclass(frozen=True, slots=True)
class Logits:
    """How the cosines of a text and assets become chances: scale * cosine (+ bias) are log odds.

    Without a bias texts are weighed against each other, by softmax, as CLIP was trained to; with
    one each is judged for itself, by sigmoid, as SigLIP was.
    """

    scale: float
    bias: float | None = None


@runtime_checkable
class Trained(Protocol):
    """An Embedder that knows what its cosines with texts mean."""

    @property
    def logits(self) -> Mapping[Kind, Logits]:
        """By the Kind of the assets that are compared with texts."""


class Embedders(Protocol):
    """Gives the Embedder of a Space, loading its weights once, on first use."""

    def get(self, name: str) -> Embedder:
        """Raises `ModelNotFound` or `ModelUnavailable`, naming the remedy."""


class Priority(IntEnum):
    """Who waits for it; lower goes first.

    INTERACTIVE: a person who has just sent it. BULK: a folder that is read, or something tried
    again. FILL: nobody; the assets are found already and get the vectors of a further Space.
    """

    INTERACTIVE = 0
    BULK = 1
    FILL = 2


class JobQueue(Protocol):
    """Takes ids of assets to index; somewhere a worker gives them vectors."""

    def enqueue(
        self, collection: str, ids: Sequence[AssetId], kind: Kind, priority: Priority
    ) -> None:
        """Hand over ids of assets of one Kind, waiting while the queue is full.

        A job that is lost costs nothing: its assets stay pending and are queued again. Raises
        `QueueUnavailable` if it takes nothing any more.
        """
