"""Gives assets the vectors they lack: get, decode, embed, write vectors, status last.

Pending assets become indexed. Indexed ones that lack the vector of a Space added later are given
it, and are found in the other Spaces meanwhile. Every step is safe to repeat: a crash after the
vectors and before the status costs one look, and an asset that has its vectors is only marked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from indexer import collections, images, marks
from indexer.batches import batches
from indexer.blob_store import BlobStore
from indexer.collections import Collection
from indexer.domain import (
    SPARSE,
    Asset,
    AssetId,
    Entry,
    Kind,
    SparseVector,
    Status,
    StoredPoint,
)
from indexer.errors import InvalidInput
from indexer.ledger import asset_from
from indexer.observing import Fact, Observers
from indexer.originals import open_original
from indexer.pipeline import contained, overlapped
from indexer.ports import Embedder, Embedders, Pixels, VectorStore
from indexer.readers.found import Limits
from indexer.writing import Results, Vector, note_failed, write


@dataclass(frozen=True, slots=True)
class Indexer:
    """What indexing needs. One instance serves all worker threads of a process."""

    store: VectorStore
    blobs: BlobStore
    embedders: Embedders
    terms: Callable[[Sequence[str]], list[SparseVector]]
    limits: Limits
    batch_size: int
    decoders: ThreadPoolExecutor
    forward: threading.Lock = field(default_factory=threading.Lock)
    """One forward pass at a time: two would fight for the same cores, while decoding and writing
    for one job overlap the forward pass of another."""
    observers: Observers = field(default_factory=Observers)


@dataclass(frozen=True, slots=True)
class _Todo:
    """An asset, the Spaces in which it lacks a vector, and whether it has one in any other."""

    asset: Asset
    lacks: frozenset[str]
    has_vectors: bool


def index_assets(indexer: Indexer, collection_name: str, ids: Sequence[AssetId]) -> int:
    """Give the assets the vectors they lack; returns how many were given some.

    A pending asset that cannot be decoded is marked failed with the reason, an indexed one gets
    a gap. Raises `Unavailable` if the store or a model is out of reach; then everything not yet
    written stays as it was.
    """
    collection = collections.get(indexer.store, collection_name)
    done = 0
    facts: dict[str, Fact] = {"collection": collection_name, "assets": len(ids)}
    while True:
        # A Space that is dropped meanwhile takes no vectors any more; one that is added was not
        # given any, and what was pending then is not queued for it again.
        try:
            with indexer.observers.span("index", facts):
                done += _index(indexer, collection, ids)
        except InvalidInput:
            latest = collections.get(indexer.store, collection_name)
            if _names(latest) == _names(collection):
                raise
        else:
            latest = collections.get(indexer.store, collection_name)
            if _names(latest) == _names(collection):
                return done
        collection = latest


def unfinished(indexer: Indexer, collection: Collection, ids: Sequence[AssetId]) -> list[_Todo]:
    """Those of the assets that are pending, or lack a vector that nothing has been noted about."""
    points = indexer.store.get(collection.name, ids, spaces=_names(collection))
    todo = [_todo(collection, point) for point in points if _is_asset(point)]
    return [
        one
        for one in todo
        if one.asset.status is Status.PENDING or (one.asset.status is Status.INDEXED and one.lacks)
    ]


def fail(indexer: Indexer, collection_name: str, ids: Sequence[AssetId], error: Exception) -> None:
    """Note for those of the assets that are unfinished why they cannot be finished."""
    collection = collections.get(indexer.store, collection_name)
    todo = unfinished(indexer, collection, ids)
    # an asset that lacks no vector may still have been cut off before its terms or its mark
    failures = [(one.asset, dict.fromkeys(one.lacks or {SPARSE}, error)) for one in todo]
    note_failed(indexer.store, indexer.observers, collection_name, failures)


def _index(indexer: Indexer, collection: Collection, ids: Sequence[AssetId]) -> int:
    alike: dict[tuple[Kind, frozenset[str]], list[Asset]] = {}
    complete: list[AssetId] = []
    unseen: list[Asset] = []
    for one in unfinished(indexer, collection, ids):
        kind = one.asset.kind
        if not one.lacks and not one.has_vectors:
            unseen.append(one.asset)
        elif not one.lacks and (kind is Kind.IMAGE or collection.spaces_for(kind)):
            complete.append(one.asset.id)
        else:
            # Texts whose vectors were all brought in come here too: they want their terms.
            alike.setdefault((kind, one.lacks), []).append(one.asset)
    marks.skip(indexer.store, collection, unseen)
    marks.mark_indexed(indexer.store, collection.name, complete)
    done = len(complete)
    for (kind, lacks), assets in alike.items():
        spaces = [collection.space(name) for name in sorted(lacks)]
        embedders = {
            space.name: collections.embedder_of(indexer.embedders, collection, space)
            for space in spaces
        }
        index = _index_texts if kind is Kind.TEXT else _index_images
        done += index(indexer, collection.name, embedders, assets)
    return done


def _names(collection: Collection) -> tuple[str, ...]:
    return tuple(space.name for space in collection.spaces)


def _is_asset(point: StoredPoint) -> bool:
    return point.payload.get("entry") == Entry.ASSET.value


def _todo(collection: Collection, point: StoredPoint) -> _Todo:
    asset = asset_from(point.id, point.payload)
    unseen = asset.reason is not None and asset.reason.code == marks.NO_MODEL
    if asset.status is Status.SKIPPED and unseen and point.vectors:
        # Set aside for want of a model, by a job that ran before its imported vector was there.
        asset = replace(asset, status=Status.PENDING)
    wanted = {space.name for space in collection.spaces_for(asset.kind)}
    return _Todo(asset, frozenset(wanted - {*point.vectors} - {*asset.gaps}), bool(point.vectors))


def _index_texts(
    indexer: Indexer, collection: str, embedders: Mapping[str, Embedder], assets: Sequence[Asset]
) -> int:
    texts = [asset.text or "" for asset in assets]
    columns: dict[str, list[Vector | Exception]] = {}
    for name, embedder in embedders.items():
        with indexer.forward, indexer.observers.stage("embed", _facts(embedder, texts)):
            columns[name] = contained(embedder.embed_texts, texts)
    results = Results(assets, columns, indexer.terms(texts))
    return write(indexer.store, indexer.observers, collection, results)


def _index_images(
    indexer: Indexer, collection: str, embedders: Mapping[str, Embedder], assets: Sequence[Asset]
) -> int:
    decoded = overlapped(
        indexer.decoders,
        lambda asset: _prepare(indexer, embedders, asset),
        assets,
        ahead=2 * indexer.batch_size,
    )
    done = 0
    for batch in batches(decoded, indexer.batch_size):
        bad = [
            (asset, dict.fromkeys(embedders, result))
            for asset, result in batch
            if isinstance(result, Exception)
        ]
        good = [(asset, result) for asset, result in batch if not isinstance(result, Exception)]
        columns: dict[str, list[Vector | Exception]] = {}
        for name, embedder in embedders.items():
            with indexer.forward, indexer.observers.stage("embed", _facts(embedder, good)):
                inputs = [prepared[name] for _, prepared in good]
                columns[name] = contained(embedder.embed_images, inputs)
        note_failed(indexer.store, indexer.observers, collection, bad)
        results = Results([asset for asset, _ in good], columns)
        done += write(indexer.store, indexer.observers, collection, results)
    return done


def _prepare(
    indexer: Indexer, embedders: Mapping[str, Embedder], asset: Asset
) -> dict[str, Pixels]:
    """Decode one image once and prepare it for each model, by Space; runs in a decoding thread."""
    min_side = max(embedder.image_size for embedder in embedders.values())
    with ExitStack() as stack:
        with indexer.observers.timed("read"):
            file = stack.enter_context(open_original(indexer.blobs, asset))
        with indexer.observers.timed("decode"):
            image = images.decode(file, page=asset.page, min_side=min_side, limits=indexer.limits)
            return {name: embedder.prepare(image) for name, embedder in embedders.items()}


def _facts(embedder: Embedder, batch: Sequence[object]) -> dict[str, Fact]:
    return {"model": embedder.name, "assets": len(batch)}
