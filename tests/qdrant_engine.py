"""The engine behind the stand-in: Qdrant's own, in process, for one caller at a time.

It adds what a server has around its engine: a place for the shards, and the words and status of
its refusals.
"""

from __future__ import annotations

import tempfile
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError
from qdrant_client import models

from tests.qdrant_edge_filters import Refused
from tests.qdrant_shards import Shards

__all__ = ["Engine", "Refused", "done"]

_MEMORY = Path("/dev/shm")  # a disk in memory, where the system has one


class Engine:
    """Collections in a temporary folder; they outlive the server in front of them."""

    def __init__(self) -> None:
        within = _MEMORY if _MEMORY.is_dir() else None
        self._client = Shards(Path(tempfile.mkdtemp(prefix="qdrant-stand-in-", dir=within)))
        self._lock = threading.Lock()
        self.snapshots: dict[str, dict[str, bytes]] = {}
        """By Collection and name, as they lie on the server's disk."""
        self.nodes = 1
        """How many the cluster is said to have."""
        self.close = weakref.finalize(self, self._client.close)
        """Remove all of it; done at the end of the process where nobody does it before."""

    @contextmanager
    def use(self) -> Iterator[Shards]:
        """The Collections, for this caller alone; the engine's errors come out as a server's."""
        try:
            with self._lock:
                yield self._client
        except (Refused, ValidationError):  # the second is our own mistake
            raise
        except BaseException as error:
            # the binding raises bare exceptions, ValueError for what it cannot even read, and
            # when the engine breaks off one that is no Exception
            if type(error).__name__ == "PanicException":
                raise Refused(500, f"Service internal error: {error}") from error
            if type(error) is Exception or isinstance(error, ValueError):
                raise _refusal(str(error)) from error
            raise

    def create(self, collection: str, asked: models.CreateCollection) -> bool:
        with self.use() as client:
            return client.create_collection(collection, asked)

    def change(self, collection: str, wanted: models.UpdateCollection) -> bool:
        with self.use() as client:
            return client.update_collection(collection, wanted)

    def drop(self, collection: str) -> bool:
        with self.use() as client:
            return client.delete_collection(collection)

    def index(self, collection: str, wanted: models.CreateFieldIndex) -> models.UpdateResult:
        with self.use() as client:
            client.create_payload_index(collection, wanted)
        return done()

    def info(self, collection: str) -> models.CollectionInfo:
        with self.use() as client:
            return client.get_collection(collection)

    def facet(self, collection: str, asked: models.FacetRequest) -> models.FacetResponse:
        with self.use() as client:
            return client.facet(collection, asked)

    def update(
        self, collection: str, operations: list[models.UpdateOperation]
    ) -> list[models.UpdateResult]:
        """One after the other, as they come, with nobody in between."""
        with self.use() as client:
            client.batch_update_points(collection, operations)
        return [done()] * len(operations)

    def snapshot(self, collection: str) -> bytes:
        with self.use() as client:
            return client.snapshot(collection)

    def recover(self, collection: str, snapshot: bytes) -> None:
        with self.use() as client:
            client.recover(collection, snapshot)


def done() -> models.UpdateResult:
    """The answer to a write."""
    return models.UpdateResult(operation_id=0, status=models.UpdateStatus.COMPLETED)


def _refusal(message: str) -> Refused:
    if message.startswith("No point with id"):
        return Refused(404, f"Not found: {message} found")
    if message.startswith("No appropriate index"):
        return Refused(400, f"Bad request: {message}")
    return Refused(400, f"Wrong input: {message}")
