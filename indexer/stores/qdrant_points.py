"""Points, queries and indexes in the words of qdrant-client, and its answers in ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
from qdrant_client import QdrantClient, models

from indexer.domain import AssetId, FieldType, ScoredPoint, SparseVector, StoredPoint
from indexer.ports import Vectors
from indexer.stores.fields import key_paths
from indexer.stores.qdrant_filters import qdrant_filter
from indexer.stores.queries import CheckedQuery

SCHEMAS: Mapping[FieldType, models.PayloadSchemaType | models.TextIndexParams] = {
    FieldType.KEYWORD: models.PayloadSchemaType.KEYWORD,
    FieldType.NUMBER: models.PayloadSchemaType.FLOAT,
    FieldType.DATETIME: models.PayloadSchemaType.DATETIME,
    FieldType.BOOL: models.PayloadSchemaType.BOOL,
    FieldType.TEXT: models.TextIndexParams(
        type=models.TextIndexType.TEXT, tokenizer=models.TokenizerType.WORD, lowercase=True
    ),
}


def schema_type(type: FieldType) -> models.PayloadSchemaType:
    """The kind of index, without its parameters."""
    schema = SCHEMAS[type]
    return schema if isinstance(schema, models.PayloadSchemaType) else models.PayloadSchemaType.TEXT


def point(id: AssetId, payload: dict[str, object]) -> models.PointStruct:
    """A point without vectors."""
    return models.PointStruct(id=id, vector={}, payload=payload)


def point_vectors(
    id: AssetId, named: Mapping[str, list[float] | SparseVector]
) -> models.PointVectors:
    """Checked vectors of one point."""
    return models.PointVectors(
        id=id,
        vector={
            name: _sparse(vector) if isinstance(vector, SparseVector) else vector
            for name, vector in named.items()
        },
    )


def write_present(
    client: QdrantClient, collection: str, vectors: Mapping[AssetId, models.PointVectors]
) -> None:
    """Write vectors of those points that are there."""
    # the server would apply the others and then answer 404 for an id it does not have
    there = client.retrieve(collection, [*vectors], with_payload=False)
    present = [vectors[str(record.id)] for record in there]
    if present:
        client.update_vectors(collection, present)


def merge_payload(
    wanted: models.Filter | None, payload: dict[str, object]
) -> models.SetPayloadOperation:
    """Set keys of the points that are wanted; a null removes its key."""
    return models.SetPayloadOperation(set_payload=models.SetPayload(payload=payload, filter=wanted))


def engine_query(query: CheckedQuery, params: models.SearchParams) -> models.QueryRequest:
    """A checked query."""
    vector = query.vector
    return models.QueryRequest(
        query=_sparse(vector)
        if isinstance(vector, SparseVector)
        else cast(list[float], vector.tolist()),
        using=query.space,
        limit=query.limit,
        offset=query.offset,
        filter=qdrant_filter(query.filter),
        score_threshold=query.min_score,
        params=params,
        with_payload=query.payload,
        with_vector=query.spaces or False,
    )


def payload_selector(fields: Sequence[str] | None) -> bool | models.PayloadSelectorInclude:
    """All of the payload, or only these top-level keys."""
    return True if fields is None else models.PayloadSelectorInclude(include=key_paths(fields))


def stored(record: models.Record) -> StoredPoint:
    """A point as it was read."""
    return StoredPoint(str(record.id), record.payload or {}, _vectors(record.vector))


def scored(point: models.ScoredPoint) -> ScoredPoint:
    """A point as it was found."""
    return ScoredPoint(str(point.id), point.score, point.payload or {}, _vectors(point.vector))


def _sparse(vector: SparseVector) -> models.SparseVector:
    return models.SparseVector(indices=list(vector.indices), values=list(vector.values))


def _vectors(named: object) -> dict[str, Vectors]:
    if not isinstance(named, dict):
        return {}
    return {space: np.asarray(vector, dtype=np.float32) for space, vector in named.items()}
