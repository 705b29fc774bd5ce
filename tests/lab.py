"""A laboratory for use cases: a real store on a temporary folder, and documents to put into it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import cast

import PIL.Image

from indexer import collections, jobs
from indexer.blobs.folder import FolderBlobs
from indexer.build import Engine
from indexer.calibration import Calibrator
from indexer.collections import Collection
from indexer.content import in_memory
from indexer.domain import AssetId, Kind, Source
from indexer.embedders import terms
from indexer.embedders.loading import LoadedEmbedders
from indexer.indexing import Indexer, index_assets
from indexer.ingest import Ingest
from indexer.jobs import Job
from indexer.ports import JobQueue, VectorStore
from indexer.readers.found import Candidate, Found, Limits
from indexer.readers.uris import file_uri
from indexer.search import Searcher
from indexer.settings import Settings
from indexer.stores.edge import EdgeStore
from tests.fakes import ColourEmbedder, DirectQueue, FakeEmbedders

LIMITS = Limits(file_bytes=10**8, image_pixels=10**7, archive_bytes=10**8, archive_members=1000)


def png(colour: tuple[int, int, int] = (255, 0, 0), size: tuple[int, int] = (16, 16)) -> bytes:
    """A picture of one colour."""
    buffer = BytesIO()
    PIL.Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def picture_in(path: Path, colour: tuple[int, int, int] = (255, 0, 0)) -> Found:
    """A picture written to disk, as the folder reader would find it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(colour))
    return found_picture(path)


def found_picture(path: Path) -> Found:
    """A picture that is on disk, as the folder reader would find it."""
    uri, stat = file_uri(path), path.stat()

    def read() -> Iterator[Candidate]:
        source = Source(uri=uri, path=str(path))
        content = in_memory(path.read_bytes())
        yield Candidate(Kind.IMAGE, source, "image/png", content, blob=uri, width=16, height=16)

    return Found(uri, str(path), stat.st_size, stat.st_mtime_ns, read)


def found_text(
    path: str,
    *passages: str,
    mtime_ns: int = 1,
    metadata: Mapping[str, object] | None = None,
) -> Found:
    """A text document of these passages."""
    uri = f"file://{path}"

    def read() -> Iterator[Candidate]:
        start = 0
        for passage in passages:
            end = start + len(passage)
            source = Source(uri=uri, path=path, start=start, end=end)
            yield Candidate(Kind.TEXT, source, "text/plain", text=passage, metadata=metadata or {})
            start = end + 1

    return Found(uri, path, sum(map(len, passages)), mtime_ns, read)


@dataclass(frozen=True)
class Lab:
    """One Collection on a real store, with a colour-sighted model."""

    store: VectorStore
    blobs: FolderBlobs
    collection: Collection
    embedder: ColourEmbedder
    embedders: FakeEmbedders
    indexer: Indexer
    searcher: Searcher
    queue: JobQueue

    def ingest(
        self,
        *found: Found,
        queue: JobQueue | None = None,
        root: str | None = None,
        prune: bool = False,
    ) -> Job:
        job = jobs.start(self.store, self.collection.name)
        run = Ingest(
            self.store,
            self.blobs,
            queue or self.queue,
            self.collection,
            job,
            observers=self.indexer.observers,
        )
        return run.run(found, root=root, prune=prune)

    def index(self, ids: Sequence[AssetId]) -> None:
        """Run a job with these ids, as a worker would."""
        index_assets(self.indexer, self.collection.name, ids)

    @property
    def totals(self) -> collections.Totals:
        return collections.totals(self.store, self.collection.name)


def open_lab(folder: Path, *embedders: ColourEmbedder) -> Iterator[Lab]:
    store = EdgeStore(folder / "collections")
    blobs = FolderBlobs(folder / "blobs")
    fakes = FakeEmbedders(*embedders)
    spaces = [collections.space_of(embedder) for embedder in embedders]
    collection = collections.create(store, "things", spaces)
    with ThreadPoolExecutor(2) as decoders:
        indexer = Indexer(store, blobs, fakes, terms.document_terms, LIMITS, 4, decoders)
        calibrator = Calibrator(store, fakes)
        seen = indexer.observers
        searcher = Searcher(store, fakes, terms.query_terms, LIMITS, calibrator, seen)
        queue = DirectQueue(partial(index_assets, indexer))
        yield Lab(store, blobs, collection, embedders[0], fakes, indexer, searcher, queue)
    store.close()


def engine_of(lab: Lab) -> Engine:
    """The laboratory as what the outermost use cases are given."""
    return Engine(
        settings=Settings(),
        store=lab.store,
        blobs=lab.blobs,
        embedders=cast("LoadedEmbedders", lab.embedders),
        limits=LIMITS,
        indexer=lab.indexer,
        searcher=lab.searcher,
        observers=lab.indexer.observers,
    )
