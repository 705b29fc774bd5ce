"""The engine behind the stand-in: qdrant-client's own in memory, for one caller at a time.

It adds what the client leaves to a server: which payload indexes there are, what a collection was
told when it was made, and the words and status of a server's refusals.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

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


class Engine:
    """Collections in memory; they outlive the server in front of them."""

    def __init__(self) -> None:
        self._client = QdrantClient(":memory:")
        self._lock = threading.Lock()
        self._made: dict[str, Made] = {}

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
            info.payload_schema = {
                path: models.PayloadIndexInfo(data_type=type, points=info.points_count or 0)
                for path, type in self._made[collection].indexes.items()
            }
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


def done() -> models.UpdateResult:
    """The answer to a write."""
    return models.UpdateResult(operation_id=0, status=models.UpdateStatus.COMPLETED)


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
