"""Snapshots and cluster of the stand-in: one node, whose snapshots are archives of its shard."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import APIRouter, File, Response

from tests.qdrant_engine import Engine, Refused
from tests.qdrant_routes import ENGINE, told

router = APIRouter()


def _snapshots(engine: Engine, collection: str) -> dict[str, bytes]:
    return engine.snapshots.setdefault(collection, {})


@router.get("/cluster")
def cluster(engine: ENGINE) -> Response:
    return told({"status": "enabled", "peers": {str(n): {} for n in range(engine.nodes)}})


@router.get("/collections/{collection}/cluster")
def shards(collection: str, engine: ENGINE) -> Response:
    engine.info(collection)
    remote = [{"shard_id": node, "peer_id": node} for node in range(1, engine.nodes)]
    return told({"local_shards": [{"shard_id": 0}], "remote_shards": remote})


@router.post("/collections/{collection}/snapshots")
def create_snapshot(collection: str, engine: ENGINE) -> Response:
    data = engine.snapshot(collection)
    name = f"{collection}-{len(engine.snapshots)}.snapshot"
    _snapshots(engine, collection)[name] = data
    checksum = hashlib.sha256(data).hexdigest()
    return told({"name": name, "size": len(data), "checksum": checksum})


@router.get("/collections/{collection}/snapshots/{name}")
def download_snapshot(collection: str, name: str, engine: ENGINE) -> Response:
    return Response(_snapshots(engine, collection)[name])


@router.delete("/collections/{collection}/snapshots/{name}")
def delete_snapshot(collection: str, name: str, engine: ENGINE) -> Response:
    _snapshots(engine, collection).pop(name, None)
    return told(True)


@router.post("/collections/{collection}/snapshots/upload")
def recover(
    collection: str, checksum: str, snapshot: Annotated[bytes, File()], engine: ENGINE
) -> Response:
    if hashlib.sha256(snapshot).hexdigest() != checksum:
        raise Refused(400, "Bad request: Snapshot checksum mismatch")
    engine.recover(collection, snapshot)
    return told(True)
