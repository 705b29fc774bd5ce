"""What a Collection on a Qdrant server looks like."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from qdrant_client import models

from indexer.domain import FieldType
from indexer.stores.qdrant_points import schema_type


@dataclass(frozen=True, slots=True)
class Schema:
    """What a Collection looked like a moment ago: dimension by Space, index by field path."""

    dimensions: Mapping[str, int]
    indexes: Mapping[str, models.PayloadSchemaType]
    indexing_threshold: int | None
    read_at: float

    def is_indexed(self, path: str, *types: FieldType) -> bool:
        """Whether the field has an index of one of the types, or of any if none is named."""
        found = self.indexes.get(path)
        if found is None or not types:
            return found is not None
        return any(found == schema_type(type) for type in types)

    @property
    def is_ours(self) -> bool:
        """Whether Semblance made the Collection; others on the server are left as they are."""
        return self.is_indexed("entry", FieldType.KEYWORD)


def schema_of(info: models.CollectionInfo) -> Schema:
    """What the server has just told."""
    vectors = info.config.params.vectors
    return Schema(
        {k: v.size for k, v in vectors.items()} if isinstance(vectors, dict) else {},
        {field: index.data_type for field, index in info.payload_schema.items()},
        info.config.optimizer_config.indexing_threshold,
        time.monotonic(),
    )
