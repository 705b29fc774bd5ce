"""Gives pending assets their vectors: get, decode, embed, write vectors, status last.

Every step is safe to repeat. A crash after the vectors and before the status costs one look: an
asset that already has its vectors is only marked.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from indexer import collections, images
from indexer.batches import batches
from indexer.collections import Collection
from indexer.domain import (
    Asset,
    AssetId,
    Kind,
    Payload,
    PointVectors,
    SparseVector,
    Status,
    StoredPoint,
)
from indexer.errors import AssetNotFound
from indexer.ledger import asset_from, now, reason_of, reason_payload
from indexer.pipeline import contained, overlapped
from indexer.ports import BlobStore, Embedder, Embedders, Pixels, VectorStore
from indexer.readers.found import Limits

Vector = NDArray[np.float32]


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


def index_assets(indexer: Indexer, collection_name: str, ids: Sequence[AssetId]) -> int:
    """Index those of the assets that are pending; returns how many were indexed.

    An asset that cannot be decoded is marked failed with the reason. Raises `Unavailable` if the
    store or a model is out of reach; then everything not yet written stays pending.
    """
    collection = collections.get(indexer.store, collection_name)
    names = tuple(space.name for space in collection.spaces)
    points = indexer.store.get(collection_name, ids, spaces=names)
    pending = [point for point in points if point.payload.get("status") == Status.PENDING.value]
    complete = [point for point in pending if _is_complete(collection, point)]
    _mark_indexed(indexer, collection, [point.id for point in complete])
    done = {point.id for point in complete}
    todo = [asset_from(point.id, point.payload) for point in pending if point.id not in done]
    texts = [asset for asset in todo if asset.kind is Kind.TEXT]
    pictures = [asset for asset in todo if asset.kind is Kind.IMAGE]
    return (
        len(complete)
        + _index_texts(indexer, collection, texts)
        + _index_images(indexer, collection, pictures)
    )


def _is_complete(collection: Collection, point: StoredPoint) -> bool:
    spaces = collection.spaces_for(Kind(str(point.payload.get("kind"))))
    return bool(spaces) and all(space.name in point.vectors for space in spaces)


def _embedders(indexer: Indexer, collection: Collection, kind: Kind) -> dict[str, Embedder]:
    return {
        space.name: collections.embedder_of(indexer.embedders, collection, space)
        for space in collection.spaces_for(kind)
    }


def _index_texts(indexer: Indexer, collection: Collection, assets: Sequence[Asset]) -> int:
    embedders = _embedders(indexer, collection, Kind.TEXT) if assets else {}
    if not embedders:
        return _skip(indexer, collection, assets)
    texts = [asset.text or "" for asset in assets]
    columns: dict[str, list[Vector | Exception]] = {}
    for name, embedder in embedders.items():
        with indexer.forward:
            columns[name] = contained(embedder.embed_texts, texts)
    return _write(indexer, collection, assets, columns, indexer.terms(texts))


def _index_images(indexer: Indexer, collection: Collection, assets: Sequence[Asset]) -> int:
    embedders = _embedders(indexer, collection, Kind.IMAGE) if assets else {}
    if not embedders:
        return _skip(indexer, collection, assets)
    decoded = overlapped(
        indexer.decoders,
        lambda asset: _prepare(indexer, embedders, asset),
        assets,
        ahead=2 * indexer.batch_size,
    )
    indexed = 0
    for batch in batches(decoded, indexer.batch_size):
        errors = {asset.id: result for asset, result in batch if isinstance(result, Exception)}
        good = [(asset, result) for asset, result in batch if not isinstance(result, Exception)]
        columns: dict[str, list[Vector | Exception]] = {}
        for name, embedder in embedders.items():
            with indexer.forward:
                inputs = [prepared[name] for _, prepared in good]
                columns[name] = contained(embedder.embed_images, inputs)
        _mark_failed(indexer, collection.name, errors)
        indexed += _write(indexer, collection, [asset for asset, _ in good], columns, None)
    return indexed


def _prepare(
    indexer: Indexer, embedders: Mapping[str, Embedder], asset: Asset
) -> dict[str, Pixels]:
    """Decode one image once and prepare it for each model, by Space; runs in a decoding thread."""
    data = read_original(indexer.blobs, asset, indexer.limits)
    min_side = max(embedder.image_size for embedder in embedders.values())
    image = images.decode(data, page=asset.page, min_side=min_side, limits=indexer.limits)
    return {name: embedder.prepare(image) for name, embedder in embedders.items()}


def read_original(blobs: BlobStore, asset: Asset, limits: Limits) -> bytes:
    """The asset's bytes. Raises `AssetNotFound` if they are gone or no longer the same."""
    with blobs.open(asset.blob or "") as file:
        data = file.read(limits.file_bytes + 1)
    if hashlib.sha256(data).hexdigest() != asset.sha256:
        # The file was replaced since it was found; its new content is another asset.
        path = asset.sources[0].path if asset.sources else asset.blob
        raise AssetNotFound(
            f"{path} was changed after it was found; index its folder again to take up what it "
            "holds now.",
            asset=asset.id,
        )
    return data


def _write(
    indexer: Indexer,
    collection: Collection,
    assets: Sequence[Asset],
    columns: Mapping[str, Sequence[Vector | Exception]],
    terms: Sequence[SparseVector] | None,
) -> int:
    """Write the vectors of a batch, then the marks; returns how many were indexed."""
    rows: list[PointVectors] = []
    errors: dict[AssetId, Exception] = {}
    for position, asset in enumerate(assets):
        results = {name: column[position] for name, column in columns.items()}
        vectors = {n: value for n, value in results.items() if not isinstance(value, Exception)}
        failed = [value for value in results.values() if isinstance(value, Exception)]
        if failed:
            errors[asset.id] = failed[0]
        else:
            sparse = terms[position] if terms is not None else None
            rows.append(PointVectors(asset.id, vectors, sparse))
    if rows:
        indexer.store.write_vectors(collection.name, rows)
    _mark_failed(indexer, collection.name, errors)
    # Status last: a crash before this line leaves the asset pending, and complete.
    _mark_indexed(indexer, collection, [row.id for row in rows])
    return len(rows)


def _mark_indexed(indexer: Indexer, collection: Collection, ids: Iterable[AssetId]) -> None:
    mark: Payload = {"status": Status.INDEXED.value, "indexed_at": now(), "reason": None}
    marks = dict.fromkeys(ids, mark)
    if marks:
        indexer.store.set_payload(collection.name, marks)


def _skip(indexer: Indexer, collection: Collection, assets: Sequence[Asset]) -> int:
    """Set aside assets of a Kind that no model of the Collection takes; returns 0, none indexed."""
    reason = {
        "code": "no_model",
        "message": f"No model of collection {collection.name!r} takes this kind of asset.",
    }
    if assets:
        mark: Payload = {"status": Status.SKIPPED.value, "reason": reason}
        indexer.store.set_payload(collection.name, {asset.id: mark for asset in assets})
    return 0


def fail_pending(
    indexer: Indexer, collection: str, ids: Sequence[AssetId], error: Exception
) -> None:
    """Note for those of the assets that are still pending why they cannot be indexed."""
    points = indexer.store.get(collection, ids)
    pending = [point.id for point in points if point.payload.get("status") == Status.PENDING.value]
    _mark_failed(indexer, collection, dict.fromkeys(pending, error))


def _mark_failed(indexer: Indexer, collection: str, errors: Mapping[AssetId, Exception]) -> None:
    if errors:
        indexer.store.set_payload(
            collection,
            {
                id: {"status": Status.FAILED.value, "reason": reason_payload(reason_of(error))}
                for id, error in errors.items()
            },
        )
