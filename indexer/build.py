"""The composition root: which adapters stand behind the ports is decided here, from settings."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from indexer.analysis.subject import Access
from indexer.blob_store import BlobStore
from indexer.blobs.folder import FolderBlobs
from indexer.calibration import Calibrator
from indexer.embedders import terms
from indexer.embedders.compiled import CompiledTowers
from indexer.embedders.loading import LoadedEmbedders
from indexer.indexing import Indexer
from indexer.observing import Observers
from indexer.ports import VectorStore
from indexer.readers.found import Limits
from indexer.search import Searcher
from indexer.settings import Settings

PREPARED = 64
"""Pictures that are handed to a model together: as many as a job has."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Everything that use cases are given. Close it when done: it holds the data folder's lock."""

    settings: Settings
    store: VectorStore
    blobs: BlobStore
    embedders: LoadedEmbedders
    limits: Limits
    indexer: Indexer
    searcher: Searcher
    observers: Observers = field(default_factory=Observers)

    @property
    def access(self) -> Access:
        """What analyses reach beyond their vectors."""
        return Access(self.store, self.blobs, self.embedders, self.limits)

    def close(self) -> None:
        """Let running work end, flush, and release the data folder."""
        self.embedders.close()
        self.indexer.decoders.shutdown(wait=True, cancel_futures=True)
        self.store.close()


def open_engine(settings: Settings) -> Engine:
    """Open the data folder, or connect to the server. No model is loaded yet.

    Raises `StoreLocked` if another process owns the data folder, `StoreUnavailable` if the server
    does not answer.
    """
    store = _open_store(settings)
    blobs = open_blobs(settings)
    compiled = CompiledTowers(settings.cache / "compiled") if settings.compile else None
    embedders = LoadedEmbedders(settings.device, settings.batch_size, compiled)
    limits = Limits(
        file_bytes=settings.max_file_bytes,
        image_pixels=settings.max_image_pixels,
        archive_bytes=settings.max_archive_bytes,
        archive_members=settings.max_archive_members,
    )
    observers = Observers()
    indexer = Indexer(
        store=store,
        blobs=blobs,
        embedders=embedders,
        terms=terms.document_terms,
        limits=limits,
        batch_size=settings.batch_size or PREPARED,
        decoders=ThreadPoolExecutor(
            settings.workers or os.cpu_count() or 1, thread_name_prefix="decode"
        ),
        observers=observers,
    )
    calibrator = Calibrator(store, embedders)
    searcher = Searcher(store, embedders, terms.query_terms, limits, calibrator, observers)
    return Engine(settings, store, blobs, embedders, limits, indexer, searcher, observers)


def open_blobs(settings: Settings) -> BlobStore:
    """Where originals are kept. Raises `InvalidInput` if SEMBLANCE_BLOBS names no such place."""
    if settings.blobs is None:
        return FolderBlobs(settings.data / "blobs")
    if "://" not in settings.blobs:
        return FolderBlobs(Path(settings.blobs).expanduser().absolute(), shared=True)
    from indexer.blobs.objects import open_objects
    from indexer.blobs.thumbnails import ThumbnailCache

    return open_objects(settings.blobs, ThumbnailCache(settings.cache / "thumbnails"))


def _open_store(settings: Settings) -> VectorStore:
    # Imported where chosen: the client of the server takes two seconds to import.
    if settings.qdrant_url is not None:
        from indexer.stores.qdrant import connect
        from indexer.stores.qdrant_options import options_from

        key = settings.qdrant_api_key
        secret = key.get_secret_value() if key else None
        options = options_from(settings)
        return connect(settings.qdrant_url, secret, grpc=settings.qdrant_grpc, options=options)
    from indexer.stores.edge import EdgeStore

    return EdgeStore(settings.data / "collections")
