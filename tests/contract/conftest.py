"""Every adapter of a port, one after the other."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.blob_store import BlobStore
from indexer.blobs.folder import FolderBlobs
from indexer.blobs.objects import open_objects
from indexer.blobs.thumbnails import ThumbnailCache
from indexer.domain import Kind, Space
from indexer.ports import VectorStore
from indexer.stores.edge import EdgeStore
from indexer.stores.qdrant import connect
from tests.buckets import make_bucket, reach, s3_server
from tests.qdrant_stand_in import StandIn
from tests.services import qdrant_server

SPACES = (
    Space("look", 4, "mini", "f1", frozenset({Kind.IMAGE})),
    Space("words", 3, "minilm", "f2", frozenset({Kind.TEXT})),
)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A Qdrant server: the one that is named, or one in Docker; skips where there is neither."""
    with qdrant_server() as url:
        if url is None:
            pytest.skip(
                "no Qdrant server: SEMBLANCE_TEST_QDRANT_URL is not set and Docker does not answer"
            )
        yield url


@pytest.fixture(scope="session")
def stand_in() -> Iterator[StandIn]:
    """What stands in for a Qdrant server on any machine."""
    with StandIn() as server:
        yield server


SERVER = pytest.param("server", marks=pytest.mark.services)
ADAPTERS = ("edge", "memory", "stand-in", SERVER)
SHARED = tuple(name for name in ADAPTERS if name != "memory")
"""Those that several threads may use at once: the client's own engine in memory is for one."""


@pytest.fixture(params=ADAPTERS)
def store(request: pytest.FixtureRequest, new_folder: Path) -> Iterator[VectorStore]:
    """An open VectorStore of each kind; `parametrize("store", …, indirect=True)` takes fewer."""
    opened: VectorStore
    if request.param == "edge":
        opened = EdgeStore(new_folder)
    elif request.param == "memory":
        opened = connect(":memory:")
    elif request.param == "stand-in":
        opened = connect(request.getfixturevalue("stand_in").url, grpc=False)
    else:
        opened = connect(request.getfixturevalue("server_url"))
    yield opened
    opened.close()


@pytest.fixture
def collection(store: VectorStore) -> Iterator[str]:
    """An empty Collection with the Spaces `look` (4) and `words` (3)."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    store.create_collection(name, SPACES)
    yield name
    if name in store.collections():
        store.drop_collection(name)


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The address of an S3 server."""
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture(params=["folder", "memory", "s3"])
def blobs(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> BlobStore:
    """An empty BlobStore of each kind."""
    cache = ThumbnailCache(tmp_path / "cache")
    if request.param == "folder":
        return FolderBlobs(tmp_path / "blobs")
    if request.param == "memory":
        return open_objects("memory://", cache)
    endpoint = request.getfixturevalue("s3_endpoint")
    reach(monkeypatch, endpoint)
    return open_objects(make_bucket(endpoint, f"test-{uuid.uuid4().hex}").url, cache)
