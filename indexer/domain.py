"""The words of Semblance as types. Frozen data; no input or output happens here.

Every point of a Collection is one of six things, told apart by its payload key ``entry``:

    asset       one image or one text passage                    (AssetId = content hash)
    document    one file, archive member or table that was found  (id = hash of its URI)
    job         one request to ingest, with what cannot be counted (id = random)
    analysis    one analysis, and where its tables are             (id = random)
    decision    what a person said of two assets that look alike   (id = hash of theirs)
    collection  the Collection's own description                   (one fixed id)

Only assets have vectors. Progress, failures and totals are counts over these points.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from indexer.filters import Filter

AssetId = str
"""UUID text. Equal content has an equal id, wherever and whenever it is found."""

Payload = Mapping[str, object]
"""JSON values: str, bool, int (64 bit), finite float, None, lists and string-keyed mappings."""

SPARSE = "bm25"
"""The sparse vector field that every Collection has beside its Spaces."""

_NAMESPACE = uuid.UUID("9f2b6a7e-41d3-5c58-8a6d-0d5e5c1a9e01")


class Kind(StrEnum):
    """What an asset is."""

    IMAGE = "image"
    TEXT = "text"


class Entry(StrEnum):
    """What a point is."""

    ASSET = "asset"
    DOCUMENT = "document"
    JOB = "job"
    ANALYSIS = "analysis"
    DECISION = "decision"
    COLLECTION = "collection"


class Status(StrEnum):
    """How far an entry has come. `READ` is a document whose assets are all in the ledger."""

    PENDING = "pending"
    INDEXED = "indexed"
    FAILED = "failed"
    SKIPPED = "skipped"
    READ = "read"


class FieldType(StrEnum):
    """How a payload field is indexed."""

    KEYWORD = "keyword"
    NUMBER = "number"
    DATETIME = "datetime"
    BOOL = "bool"
    TEXT = "text"


COLLECTION_ID: AssetId = str(uuid.uuid5(_NAMESPACE, "collection"))


IMPORTED = "imported"
"""Stands for the model of a Space whose vectors were brought in from a file."""


def asset_id(kind: Kind, sha256: str, page: int | None = None) -> AssetId:
    """The id of content: UUIDv5 over kind, SHA-256 and, for page images, the page (from 1)."""
    suffix = "" if page is None else f"#{page}"
    return str(uuid.uuid5(_NAMESPACE, f"{kind}:{sha256}{suffix}"))


def document_id(uri: str) -> AssetId:
    """The id of the ledger entry of a file, by where it is."""
    return str(uuid.uuid5(_NAMESPACE, f"document:{uri}"))


def space_name(model: str) -> str:
    """The name of the Space that a model fills: paths and colons in it become dashes."""
    return re.sub(r"[^\w.-]+", "-", model)[-64:].strip("-.")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something failed or was skipped: a stable code and a sentence for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Space:
    """A named vector field, and which Embedder fills it.

    `fingerprint` is the Embedder's; vectors of another fingerprint never mix in one Space. With
    imported vectors it names the file they came from. `filling` is set from when a Space is added
    to assets that are there until each of them has had its turn.
    """

    name: str
    dimension: int
    embedder: str
    fingerprint: str
    kinds: frozenset[Kind]
    filling: bool = False

    @property
    def is_imported(self) -> bool:
        """True if its vectors came from a file: no model can make further ones."""
        return self.embedder == IMPORTED


@dataclass(frozen=True, slots=True)
class Source:
    """Where an asset was found.

    `uri` leads back to the file (`file:///…`, percent-encoded bytes; `…!/member` inside an
    archive); `path` is the same for people. Pages and rows count from 1; `start` and `end` are
    character offsets of a passage in the document's text.
    """

    uri: str
    path: str
    page: int | None = None
    row: int | None = None
    start: int | None = None
    end: int | None = None

    @property
    def document(self) -> AssetId:
        return document_id(self.uri)


@dataclass(frozen=True, slots=True)
class Asset:
    """One image or one text passage, as the ledger knows it. Content never changes."""

    id: AssetId
    kind: Kind
    status: Status
    sha256: str
    media_type: str
    bytes: int
    sources: tuple[Source, ...]
    blob: str | None = None
    text: str | None = None
    width: int | None = None
    height: int | None = None
    page: int | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    added_at: str = ""
    indexed_at: str | None = None
    reason: Reason | None = None
    job: str | None = None
    gaps: Mapping[str, Reason] = field(default_factory=dict)
    """Why it has no vector in a Space that was added when it was indexed already."""


@dataclass(frozen=True, slots=True)
class Document:
    """One file (archive member, table) that was found, and what became of reading it."""

    uri: str
    path: str
    status: Status
    size: int
    mtime_ns: int
    sha256: str | None = None
    container: str | None = None
    reason: Reason | None = None
    job: str | None = None

    @property
    def id(self) -> AssetId:
        return document_id(self.uri)


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Term indices (uint32, unique) and their weights, of equal length."""

    indices: Sequence[int]
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Point:
    """What is inserted: an id and its payload. Vectors come later."""

    id: AssetId
    payload: Payload


@dataclass(frozen=True, slots=True)
class PointVectors:
    """Vectors for one point by Space name (float32, shape (dimension,)), and terms for BM25."""

    id: AssetId
    vectors: Mapping[str, NDArray[np.float32]]
    sparse: SparseVector | None = None


@dataclass(frozen=True, slots=True)
class StoredPoint:
    """What a store gives back; `vectors` holds only the Spaces that were asked for."""

    id: AssetId
    payload: Payload
    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScoredPoint:
    """A stored point with its similarity to the query."""

    id: AssetId
    score: float
    payload: Payload
    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NearestQuery:
    """Nearest points in one Space (a dense vector) or by BM25 (a SparseVector, space = SPARSE).

    Without `payload` the answer has ids and scores alone: rankings to be fused need no more.
    """

    space: str
    vector: NDArray[np.float32] | SparseVector
    limit: int
    offset: int = 0
    filter: Filter | None = None
    min_score: float | None = None
    spaces: Sequence[str] = ()
    payload: bool = True
