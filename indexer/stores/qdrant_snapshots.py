"""Snapshots of a Qdrant server's Collections, brought to files here and back.

The client library reads whole files into memory and gives up after a minute; these calls stream
and wait. Sources: Qdrant's REST interface, "Snapshots" and "Distributed deployment".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from indexer.errors import Conflict, StoreUnavailable
from indexer.stores.qdrant_errors import from_status, unavailable

HTTP_PORT = 6333
_TIMEOUT = httpx.Timeout(60.0, read=None)  # a snapshot of a terabyte takes its time


class Snapshots:
    """Snapshots over HTTP, whatever else speaks gRPC."""

    def __init__(self, url: str, api_key: str | None) -> None:
        at = urlsplit(url)
        self._base = f"{at.scheme}://{at.hostname}:{at.port or HTTP_PORT}{at.path.rstrip('/')}"
        self._headers = {"api-key": api_key} if api_key else {}

    def save(self, collection: str, file: Path) -> None:
        """Write the Collection as it is now to the file, checked by the server's checksum."""
        with self._http(collection) as http:
            self._check_whole(http, collection)
            path = f"/collections/{quote(collection)}/snapshots"
            told = _result(http.post(path, params={"wait": "true"}), collection)
            try:
                checksum = _download(http, f"{path}/{quote(told['name'])}", collection, file)
            finally:
                http.delete(f"{path}/{quote(told['name'])}")  # it takes up the server's disk
            if told.get("checksum") not in (None, checksum):
                raise StoreUnavailable(
                    f"The snapshot of {collection!r} did not arrive as it was sent; try again."
                )

    def load(self, collection: str, file: Path, checksum: str) -> None:
        """Make the Collection from the file, which the server checks first."""
        with self._http(collection) as http:
            self._check_alone(http, collection)
            with file.open("rb") as snapshot:
                answer = http.post(
                    f"/collections/{quote(collection)}/snapshots/upload",
                    params={"wait": "true", "priority": "snapshot", "checksum": checksum},
                    files={"snapshot": (file.name, snapshot)},
                )
            _result(answer, collection)

    def _check_whole(self, http: httpx.Client, collection: str) -> None:
        """A snapshot holds what lies on the node that is asked, and nothing else."""
        told = _result(http.get(f"/collections/{quote(collection)}/cluster"), collection)
        here = {shard["shard_id"] for shard in told["local_shards"]}
        elsewhere = {shard["shard_id"] for shard in told["remote_shards"]} - here
        if elsewhere:
            raise _spread(collection, f"{len(elsewhere)} of its shards lie on other nodes")

    def _check_alone(self, http: httpx.Client, collection: str) -> None:
        told = _result(http.get("/cluster"), collection)
        if len(told.get("peers") or {}) > 1:
            raise _spread(collection, "the server is one node of a cluster")

    @contextmanager
    def _http(self, collection: str) -> Iterator[httpx.Client]:
        try:
            with httpx.Client(base_url=self._base, headers=self._headers, timeout=_TIMEOUT) as http:
                yield http
        except httpx.TransportError as error:
            raise unavailable(f"{collection}: {error}") from error


def _download(http: httpx.Client, path: str, collection: str, file: Path) -> str:
    """Stream to the file; returns the SHA-256 of what came."""
    digest = hashlib.sha256()
    with http.stream("GET", path) as answer, file.open("wb") as written:
        if answer.is_error:
            answer.read()
            raise from_status(answer.status_code, answer.text, collection)
        for piece in answer.iter_bytes():
            digest.update(piece)
            written.write(piece)
    return digest.hexdigest()


def _result(answer: httpx.Response, collection: str) -> Any:
    if answer.is_error:
        raise from_status(answer.status_code, answer.text, collection)
    return answer.json()["result"]


def _spread(collection: str, why: str) -> Conflict:
    return Conflict(
        f"{collection!r} cannot be backed up or restored through one address: {why}, and a "
        "snapshot holds one node's alone. Use Qdrant's snapshots on each node; docs/qdrant.md "
        "says how.",
        collection=collection,
    )
