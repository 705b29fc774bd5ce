"""Points, queries and indexes in the words of qdrant-edge, and its answers in ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import qdrant_edge as qe

from indexer.domain import (
    SPARSE,
    FieldType,
    ScoredPoint,
    Space,
    SparseVector,
    StoredPoint,
)
from indexer.ports import Vectors
from indexer.stores.edge_filters import edge_filter
from indexer.stores.fields import parse_field
from indexer.stores.ledger_fields import LEDGER_FIELDS
from indexer.stores.queries import CheckedQuery

_HNSW_EF = 128

_SCHEMAS: Mapping[FieldType, qe.PayloadSchemaType | qe.TextIndexParams] = {
    FieldType.KEYWORD: qe.PayloadSchemaType.Keyword,
    FieldType.NUMBER: qe.PayloadSchemaType.Float,
    FieldType.DATETIME: qe.PayloadSchemaType.Datetime,
    FieldType.BOOL: qe.PayloadSchemaType.Bool,
    FieldType.TEXT: qe.TextIndexParams(tokenizer=qe.TokenizerType.Word, lowercase=True),
}


def shard_config(dimensions: Mapping[str, int]) -> qe.EdgeConfig:
    """A shard with these Spaces (cosine) and the sparse field, whose IDF the engine keeps."""
    return qe.EdgeConfig(
        vectors={
            space: qe.EdgeVectorParams(size=dimension, distance=qe.Distance.Cosine)
            for space, dimension in dimensions.items()
        },
        sparse_vectors={SPARSE: qe.EdgeSparseVectorParams(modifier=qe.Modifier.Idf)},
        # measured: many small builds stall less than few large ones
        optimizers=qe.EdgeOptimizersConfig(default_segment_number=5, max_segment_size=440_000),
    )


def create_space(space: Space) -> qe.UpdateOperation:
    """One more vector field, as `shard_config` makes them; the engine takes the same one twice."""
    return qe.UpdateOperation.create_dense_vector(space.name, space.dimension, qe.Distance.Cosine)


def index_ledger_fields(shard: qe.EdgeShard) -> None:
    """Index those of the ledger's own fields that have no index: all of a new shard's.

    A shard from before a field was added pays once, about 2 s a field and million points.
    """
    for field, type in LEDGER_FIELDS.items():
        path = parse_field(field).engine
        if not is_indexed(shard, path):
            shard.update(index_operation(path, type))


def index_operation(path: str, type: FieldType) -> qe.UpdateOperation:
    """Make an index, in place of any other that the field has."""
    return qe.UpdateOperation.create_field_index(path, _SCHEMAS[type])


def is_indexed(shard: qe.EdgeShard, path: str, *types: FieldType) -> bool:
    """Whether the field has an index of one of the types, or of any if none is named."""
    info = shard.info().payload_schema.get(path)
    if info is None or not types:
        return info is not None
    return any(info.data_type == _schema_type(type) for type in types)


def _schema_type(type: FieldType) -> qe.PayloadSchemaType:
    schema = _SCHEMAS[type]
    return schema if isinstance(schema, qe.PayloadSchemaType) else qe.PayloadSchemaType.Text


def engine_vectors(named: Mapping[str, list[float] | SparseVector]) -> qe.Vector:
    """Checked vectors by name."""
    return {
        name: qe.SparseVector(list(vector.indices), list(vector.values))
        if isinstance(vector, SparseVector)
        else vector
        for name, vector in named.items()
    }


def engine_query(query: CheckedQuery) -> qe.QueryRequest:
    """A checked query."""
    vector = query.vector
    return qe.QueryRequest(
        query=qe.Query.Nearest(
            qe.SparseVector(list(vector.indices), list(vector.values))
            if isinstance(vector, SparseVector)
            else cast(list[float], vector.tolist()),
            using=query.space,
        ),
        limit=query.limit,
        offset=query.offset,
        filter=edge_filter(query.filter),
        score_threshold=query.min_score,
        params=qe.SearchParams(hnsw_ef=_HNSW_EF),
        with_payload=query.payload,
        with_vector=query.spaces or False,
    )


def stored(record: qe.Record) -> StoredPoint:
    """A point as it was read."""
    return StoredPoint(str(record.id), record.payload or {}, _vectors(record.vector))


def scored(point: qe.ScoredPoint) -> ScoredPoint:
    """A point as it was found."""
    return ScoredPoint(str(point.id), point.score, point.payload or {}, _vectors(point.vector))


def _vectors(named: object) -> dict[str, Vectors]:
    if not isinstance(named, dict):
        return {}
    return {space: np.asarray(vector, dtype=np.float32) for space, vector in named.items()}
