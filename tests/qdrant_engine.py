"""The engine behind the stand-in: qdrant-client's own in memory, for one caller at a time.

It adds what the client leaves to a server: which payload indexes there are, what a collection was
told when it was made, and the words and status of a server's refusals.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json, to_json
from qdrant_client import QdrantClient, models
from qdrant_client.local.payload_filters import check_filter


class Refused(Exception):
    """What a server would answer instead."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass
class Made:
    """A collection as it was asked for, and its payload indexes by field."""

    asked: models.CreateCollection
    indexes: dict[str, models.PayloadSchemaType] = field(default_factory=dict)
    placed: dict[str, models.VectorParamsDiff] = field(default_factory=dict)


class Engine:
    """Collections in memory; they outlive the server in front of them."""

    def __init__(self) -> None:
        self._client = QdrantClient(":memory:")
        self._lock = threading.Lock()
        self._made: dict[str, Made] = {}
        self.snapshots: dict[str, dict[str, bytes]] = {}
        self.nodes = 1

    @contextmanager
    def use(self) -> Iterator[QdrantClient]:
        """The client, for this caller alone; its errors come out as a server's."""
        try:
            with self._lock:
                yield self._client
        except ValueError as error:
            raise _refusal(str(error)) from error
        except KeyError as error:
            raise Refused(404, f"Not found: No point with id {error.args[0]} found") from error

    def create(self, collection: str, asked: models.CreateCollection) -> bool:
        with self.use() as client:
            made = client.create_collection(
                collection,
                vectors_config=asked.vectors,
                sparse_vectors_config=asked.sparse_vectors,
            )
            self._made[collection] = Made(asked)
            return made

    def change(self, collection: str, wanted: models.UpdateCollection) -> bool:
        """Note what is changed; of it, the engine in memory knows nothing."""
        with self.use() as client:
            client.get_collection(collection)
            asked = self._made[collection].asked
            told = wanted.optimizers_config
            if told is not None:
                before = asked.optimizers_config or models.OptimizersConfigDiff()
                change = told.model_dump(exclude_unset=True)
                asked.optimizers_config = before.model_copy(update=change)
            for space, diff in (wanted.vectors or {}).items():
                client.update_collection(collection, vectors_config={space: diff})
                self._made[collection].placed[space] = diff
        return True

    def drop(self, collection: str) -> bool:
        with self.use() as client:
            self._made.pop(collection, None)
            return client.delete_collection(collection)

    def index(self, collection: str, wanted: models.CreateFieldIndex) -> models.UpdateResult:
        schema = wanted.field_schema
        if schema is None:
            raise Refused(400, "Bad request: field schema is missing")
        of = schema if isinstance(schema, models.PayloadSchemaType) else schema.type
        with self.use() as client:
            client.get_collection(collection)
            self._made[collection].indexes[wanted.field_name] = models.PayloadSchemaType(of.value)
        return done()

    def info(self, collection: str) -> models.CollectionInfo:
        with self.use() as client:
            info = client.get_collection(collection)
            made = self._made[collection]
            info.payload_schema = {
                path: models.PayloadIndexInfo(data_type=type, points=info.points_count or 0)
                for path, type in made.indexes.items()
            }
            _tell_layout(info, made)
            return info

    def facet(self, collection: str, asked: models.FacetRequest) -> models.FacetResponse:
        """Values of the index's own type alone, as from an index; without one it is refused."""
        with self.use() as client:
            client.get_collection(collection)
            of = self._made[collection].indexes.get(asked.key)
            counted = {models.PayloadSchemaType.KEYWORD: str, models.PayloadSchemaType.BOOL: bool}
            if of not in counted:
                raise Refused(400, f"Bad request: No appropriate index for faceting: `{asked.key}`")
            hits = client.facet(collection, asked.key, asked.filter, limit=100_000).hits
        hits = [hit for hit in hits if type(hit.value) is counted[of]]
        return models.FacetResponse(hits=hits[: asked.limit])

    def update(self, collection: str, operations: list[models.UpdateOperation]) -> list[object]:
        """One after the other, as they come, with nobody in between."""
        with self.use() as client:
            client.get_collection(collection)
            for operation in operations:
                if isinstance(operation, models.SetPayloadOperation):
                    _set_payload(client, collection, operation.set_payload)
                else:
                    client.batch_update_points(collection, [operation])
        return [done()] * len(operations)

    def snapshot(self, collection: str) -> bytes:
        """All of it, written down point by point: the client's engine has no files of its own."""
        made = self._made_of(collection)
        with self.use() as client:
            points, _ = client.scroll(collection, limit=10**6, with_vectors=True)
            params = client.get_collection(collection).config.params
            asked = made.asked.model_copy(
                update={"vectors": params.vectors, "sparse_vectors": params.sparse_vectors}
            )
        return to_json({"asked": asked, "indexes": made.indexes, "points": points})

    def recover(self, collection: str, snapshot: bytes) -> None:
        try:
            written = from_json(snapshot)
            asked = models.CreateCollection.model_validate(written["asked"])
            points = [models.PointStruct.model_validate(_kept(p)) for p in written["points"]]
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(400, f"Bad request: it is no snapshot: {error}") from error
        self.create(collection, asked)
        with self.use() as client:
            self._made[collection].indexes = {
                path: models.PayloadSchemaType(type) for path, type in written["indexes"].items()
            }
            if points:
                client.upsert(collection, points)

    def _made_of(self, collection: str) -> Made:
        with self.use() as client:
            client.get_collection(collection)
            return self._made[collection]


def _kept(point: dict[str, Any]) -> dict[str, Any]:
    return {key: point[key] for key in ("id", "vector", "payload")}


def done() -> models.UpdateResult:
    """The answer to a write."""
    return models.UpdateResult(operation_id=0, status=models.UpdateStatus.COMPLETED)


def _tell_layout(info: models.CollectionInfo, made: Made) -> None:
    """Say back what was asked for, as a server would that did it."""
    asked, params = made.asked, info.config.params
    params.shard_number = asked.shard_number or 1
    params.replication_factor = asked.replication_factor
    params.write_consistency_factor = asked.write_consistency_factor
    params.on_disk_payload = asked.on_disk_payload
    info.config.quantization_config = asked.quantization_config
    info.config.strict_mode_config = models.StrictModeConfigOutput.model_validate(
        (asked.strict_mode_config or models.StrictModeConfig()).model_dump()
    )
    if asked.hnsw_config is not None and asked.hnsw_config.m is not None:
        info.config.hnsw_config.m = asked.hnsw_config.m
    if asked.optimizers_config is not None:
        info.config.optimizer_config.indexing_threshold = asked.optimizers_config.indexing_threshold
    if isinstance(params.vectors, dict):
        for space, diff in made.placed.items():
            if space in params.vectors:
                params.vectors[space].on_disk = diff.on_disk


def _set_payload(client: QdrantClient, collection: str, wanted: models.SetPayload) -> None:
    ids = wanted.points if wanted.filter is None else _fulfilling(client, collection, wanted.filter)
    if ids:
        points = models.PointIdsList(points=[*ids])
        client.set_payload(collection, wanted.payload, points, key=wanted.key)


def _fulfilling(client: QdrantClient, collection: str, condition: models.Filter) -> list[str | int]:
    """Ids of the points that fulfil it; if it names ids, of those alone, without a full scan."""
    must = condition.must if isinstance(condition.must, list) else []
    named = [one.has_id for one in must if isinstance(one, models.HasIdCondition)]
    if not named:
        found, _ = client.scroll(collection, condition, limit=10**6, with_payload=False)
        return [str(point.id) for point in found]
    records = client.retrieve(collection, named[0], with_payload=True, with_vectors=True)
    return [
        str(record.id)
        for record in records
        if check_filter(
            condition,
            record.payload or {},
            record.id,
            dict.fromkeys(record.vector, True) if isinstance(record.vector, dict) else {},
        )
    ]


def _refusal(message: str) -> Refused:
    if message.startswith("Collection ") and message.endswith(" not found"):
        name = message.removeprefix("Collection ").removesuffix(" not found")
        return Refused(404, f"Not found: Collection `{name}` doesn't exist!")
    if message.endswith(" already exists"):
        return Refused(409, f"Wrong input: {message}!")
    return Refused(400, f"Wrong input: {message}")
