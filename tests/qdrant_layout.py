"""What a Qdrant server tells of a Collection, whose layout here is noted and no more."""

from __future__ import annotations

import qdrant_edge as qe
from pydantic import BaseModel
from qdrant_client import models

from tests.qdrant_edge_filters import Refused

_HNSW = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10_000}
_OPTIMIZER = {
    "deleted_threshold": 0.2,
    "vacuum_min_vector_number": 1000,
    "default_segment_number": 0,
    "indexing_threshold": 10_000,
    "flush_interval_sec": 5,
}


def change(asked: models.CreateCollection, wanted: models.UpdateCollection) -> None:
    """Ask for this as well: other settings of the optimiser and of vector fields."""
    if wanted.optimizers_config is not None:
        before = asked.optimizers_config or models.OptimizersConfigDiff()
        asked.optimizers_config = before.model_copy(update=_said(wanted.optimizers_config))
    for name, diff in (wanted.vectors or {}).items():
        if not isinstance(asked.vectors, dict) or name not in asked.vectors:
            raise Refused(400, f"Wrong input: Not existing vector name error: {name}")
        asked.vectors[name] = asked.vectors[name].model_copy(update=_said(diff))


def told_info(asked: models.CreateCollection, info: qe.ShardInfo) -> models.CollectionInfo:
    """What is there, and what was asked for."""
    return models.CollectionInfo(
        status=models.CollectionStatus.GREEN,
        optimizer_status=models.OptimizersStatusOneOf.OK,
        indexed_vectors_count=info.indexed_vectors_count,
        points_count=info.points_count,
        segments_count=info.segments_count,
        config=_config(asked),
        payload_schema={
            path: models.PayloadIndexInfo(data_type=_named(index), points=index.points)
            for path, index in info.payload_schema.items()
        },
    )


def _config(asked: models.CreateCollection) -> models.CollectionConfig:
    strict = asked.strict_mode_config or models.StrictModeConfig()
    optimizer = {**_OPTIMIZER, **_said(asked.optimizers_config)}
    return models.CollectionConfig(
        params=models.CollectionParams(
            vectors=asked.vectors,
            sparse_vectors=asked.sparse_vectors,
            shard_number=asked.shard_number or 1,
            replication_factor=asked.replication_factor,
            write_consistency_factor=asked.write_consistency_factor,
            on_disk_payload=asked.on_disk_payload,
        ),
        hnsw_config=models.HnswConfig.model_validate({**_HNSW, **_said(asked.hnsw_config)}),
        optimizer_config=models.OptimizersConfig.model_validate(optimizer),
        wal_config=models.WalConfig(wal_capacity_mb=32, wal_segments_ahead=0),
        quantization_config=asked.quantization_config,
        strict_mode_config=models.StrictModeConfigOutput.model_validate(strict.model_dump()),
    )


def _named(index: qe.PayloadIndexInfo) -> models.PayloadSchemaType:
    return models.PayloadSchemaType(str(index.data_type).rpartition(".")[2].lower())


def _said(diff: BaseModel | None) -> dict[str, object]:
    """The settings that are named, where a default is not to be taken for one."""
    said = {} if diff is None else {name: getattr(diff, name) for name in diff.model_fields_set}
    return {name: value for name, value in said.items() if value is not None}
