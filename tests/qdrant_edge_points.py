"""A Qdrant server's Collections, points, writes and queries, as qdrant-edge takes them, and back.

What could make the engine panic (sparse vectors with unequal lists) is refused before it gets it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import qdrant_edge as qe
from qdrant_client import models

from tests.qdrant_edge_filters import Refused, edge_filter, unsupported

_NO_VECTORS = "no vectors"  # the engine wants one field at least; nothing is ever written to it


def shard_config(asked: models.CreateCollection) -> qe.EdgeConfig:
    """A shard with the vector fields that were asked for."""
    sparse = {
        name: qe.EdgeSparseVectorParams(modifier=_modifier(params.modifier))
        for name, params in (asked.sparse_vectors or {}).items()
    }
    if not asked.vectors and not sparse:
        sparse = {_NO_VECTORS: qe.EdgeSparseVectorParams()}
    dense = asked.vectors or {}
    named = {"": dense} if isinstance(dense, models.VectorParams) else dense
    vectors = {
        name: qe.EdgeVectorParams(size=params.size, distance=distance(params.distance))
        for name, params in named.items()
    }
    return qe.EdgeConfig(vectors=vectors, sparse_vectors=sparse)


def distance(wanted: models.Distance) -> qe.Distance:
    """How vectors are compared; both call it the same."""
    return cast(qe.Distance, getattr(qe.Distance, wanted.value))


def new_vector(name: str, config: models.VectorNameConfig) -> qe.UpdateOperation:
    """One more vector field."""
    if isinstance(config, models.DenseVectorNameConfig):
        dense = config.dense
        return qe.UpdateOperation.create_dense_vector(name, dense.size, distance(dense.distance))
    modifier = _modifier(config.sparse.modifier)
    return qe.UpdateOperation.create_sparse_vector(name, modifier)


def _modifier(wanted: models.Modifier | None) -> qe.Modifier | None:
    return qe.Modifier.Idf if wanted == models.Modifier.IDF else None


def new_index(wanted: models.CreateFieldIndex) -> qe.UpdateOperation:
    """A payload index; of its options, those that change what is found."""
    schema = wanted.field_schema
    if schema is None:
        raise Refused(400, "Bad request: field schema is missing")
    of: Any
    if isinstance(schema, models.TextIndexParams):
        tokenizer = schema.tokenizer or models.TokenizerType.WORD
        of = qe.TextIndexParams(
            tokenizer=getattr(qe.TokenizerType, tokenizer.value.capitalize()),
            lowercase=schema.lowercase,
            min_token_len=schema.min_token_len,
            max_token_len=schema.max_token_len,
            phrase_matching=schema.phrase_matching,
        )
    else:
        name = schema if isinstance(schema, models.PayloadSchemaType) else schema.type
        of = getattr(qe.PayloadSchemaType, name.value.capitalize())
    return qe.UpdateOperation.create_field_index(wanted.field_name, of)


def operation(wanted: models.UpdateOperation) -> qe.UpdateOperation:
    """A write."""
    do = qe.UpdateOperation
    match wanted:
        case models.UpsertOperation(upsert=models.PointsList() as upsert):
            points = [_point(point) for point in upsert.points]
            mode = _MODES[upsert.update_mode or models.UpdateMode.UPSERT]
            return do.upsert_points(points, edge_filter(upsert.update_filter), mode)
        case models.UpdateVectorsOperation(update_vectors=update):
            vectors = [qe.PointVectors(one.id, edge_vector(one.vector)) for one in update.points]
            return do.update_vectors(vectors, edge_filter(update.update_filter))
        case models.DeleteOperation(delete=models.PointIdsList() as which):
            return do.delete_points([*which.points])
        case models.DeleteOperation(delete=models.FilterSelector() as which):
            return do.delete_points_by_filter(_of(which.filter))
        case models.SetPayloadOperation(set_payload=change):
            if change.filter is None:
                return do.set_payload(change.points or [], change.payload, change.key)
            return do.set_payload_by_filter(_of(change.filter), change.payload, change.key)
        case models.OverwritePayloadOperation(overwrite_payload=change):
            if change.filter is None:
                return do.overwrite_payload(change.points or [], change.payload, change.key)
            return do.overwrite_payload_by_filter(_of(change.filter), change.payload, change.key)
        case models.DeletePayloadOperation(delete_payload=less):
            if less.filter is None:
                return do.delete_payload(less.points or [], less.keys)
            return do.delete_payload_by_filter(_of(less.filter), less.keys)
    raise unsupported(wanted)


_MODES: Mapping[models.UpdateMode, qe.UpdateMode] = {
    models.UpdateMode.UPSERT: qe.UpdateMode.Upsert,
    models.UpdateMode.INSERT_ONLY: qe.UpdateMode.InsertOnly,
    models.UpdateMode.UPDATE_ONLY: qe.UpdateMode.UpdateOnly,
}


def _of(wanted: models.Filter) -> qe.Filter:
    return edge_filter(wanted) or qe.Filter()


def _point(point: models.PointStruct) -> qe.Point:
    return qe.Point(point.id, edge_vector(point.vector), point.payload or {})


def edge_vector(vector: object) -> qe.Vector:
    """A vector, or several by name."""
    if isinstance(vector, dict):
        return {name: _one_vector(one) for name, one in vector.items()}
    return cast(qe.Vector, _one_vector(vector))


def _one_vector(vector: object) -> qe.NamedVector:
    if isinstance(vector, models.SparseVector):
        indices, values = vector.indices, vector.values
        if len(indices) != len(values) or len(set(indices)) != len(indices):
            raise Refused(422, "Validation error: sparse indices must be unique, one a value")
        return qe.SparseVector(indices, values)
    if isinstance(vector, list) and not isinstance(next(iter(vector), None), list):
        return vector
    raise unsupported(vector)


def query(wanted: models.QueryRequest) -> qe.QueryRequest:
    """A query for the nearest. Its search settings are left out: all is scanned here."""
    asked = wanted.query
    if isinstance(asked, models.NearestQuery) and asked.mmr is None:
        asked = asked.nearest
    if wanted.prefetch:
        raise unsupported(wanted.prefetch)
    nearest = None if asked is None else qe.Query.Nearest(_one_vector(asked), using=wanted.using)
    return qe.QueryRequest(
        query=nearest,
        limit=10 if wanted.limit is None else wanted.limit,
        offset=wanted.offset,
        filter=edge_filter(wanted.filter),
        score_threshold=wanted.score_threshold,
        with_payload=selected(wanted.with_payload or False),
        with_vector=wanted.with_vector or False,
    )


def selected(
    wanted: bool | Sequence[str] | models.PayloadSelector,
) -> bool | list[str] | qe.PayloadSelector:
    """Which of the payload is wanted."""
    match wanted:
        case bool():
            return wanted
        case models.PayloadSelectorInclude():
            return qe.PayloadSelector.Include(wanted.include)
        case models.PayloadSelectorExclude():
            return qe.PayloadSelector.Exclude(wanted.exclude)
    return [*wanted]


def record(found: qe.Record) -> models.Record:
    """A point as it was read."""
    return models.Record(id=found.id, payload=found.payload, vector=_told(found.vector))


def scored(found: qe.ScoredPoint) -> models.ScoredPoint:
    """A point as it was found."""
    return models.ScoredPoint(
        id=found.id,
        version=found.version,
        score=found.score,
        payload=found.payload,
        vector=_told(found.vector),
    )


def _told(vector: object) -> Any:
    if isinstance(vector, qe.SparseVector):
        return models.SparseVector(indices=vector.indices, values=vector.values)
    if isinstance(vector, dict):
        return {name: _told(one) for name, one in vector.items()}
    return vector
