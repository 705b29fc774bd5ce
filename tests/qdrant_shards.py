"""Collections as shards of qdrant-edge, under the names that qdrant-client gives its methods."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import qdrant_edge as qe
from qdrant_client import models
from qdrant_client.http.models import QueryResponse  # `models` has another of this name

from tests.qdrant_edge_filters import Refused, edge_filter
from tests.qdrant_edge_points import (
    new_index,
    new_vector,
    operation,
    query,
    record,
    scored,
    selected,
    shard_config,
)

Payload = bool | Sequence[str] | models.PayloadSelector
Vectors = bool | list[str]
Id = models.ExtendedPointId


@dataclass
class Made:
    """A Collection as it was asked for, with the vector fields it has now, and its shard."""

    asked: models.CreateCollection
    shard: qe.EdgeShard
    folder: Path


class Shards:
    """All Collections, one shard each, and other names for them. For one caller at a time.

    Raises `Refused`, or what the engine raises. Nothing is optimised: a test's points are few, and
    so all vectors are scanned.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, Made] = {}
        self._aliases: dict[str, str] = {}

    def made(self, collection: str) -> Made:
        """The Collection of this name, or of this other name."""
        made = self._made.get(self._aliases.get(collection, collection))
        if made is None:
            raise Refused(404, f"Not found: Collection `{collection}` doesn't exist!")
        return made

    def get_collections(self) -> models.CollectionsResponse:
        described = [models.CollectionDescription(name=name) for name in self._made]
        return models.CollectionsResponse(collections=described)

    def collection_exists(self, collection: str) -> bool:
        return self._aliases.get(collection, collection) in self._made

    def create_collection(self, collection: str, asked: models.CreateCollection) -> bool:
        if self.collection_exists(collection):
            raise Refused(409, f"Wrong input: Collection `{collection}` already exists!")
        folder = self._folder / uuid.uuid4().hex
        shard = qe.EdgeShard.create(str(folder), shard_config(asked))
        asked = asked.model_copy(deep=True)
        asked.vectors = {} if asked.vectors is None else asked.vectors
        self._made[collection] = Made(asked, shard, folder)
        return True

    def delete_collection(self, collection: str) -> bool:
        made = self._made.pop(collection, None)
        if made is None:
            return False
        self._aliases = {name: of for name, of in self._aliases.items() if of != collection}
        made.shard.close()
        shutil.rmtree(made.folder)
        return True

    def get_collection(self, collection: str) -> models.CollectionInfo:
        made = self.made(collection)
        info = made.shard.info()
        return models.CollectionInfo(
            status=models.CollectionStatus.GREEN,
            optimizer_status=models.OptimizersStatusOneOf.OK,
            indexed_vectors_count=info.indexed_vectors_count,
            points_count=info.points_count,
            segments_count=info.segments_count,
            config=_config(made.asked),
            payload_schema={
                path: models.PayloadIndexInfo(data_type=_named(index), points=index.points)
                for path, index in info.payload_schema.items()
            },
        )

    def create_payload_index(self, collection: str, wanted: models.CreateFieldIndex) -> None:
        self.made(collection).shard.update(new_index(wanted))

    def create_vector_name(
        self, collection: str, name: str, config: models.VectorNameConfig
    ) -> None:
        made = self.made(collection)
        made.shard.update(new_vector(name, config))
        if isinstance(config, models.DenseVectorNameConfig):
            params = models.VectorParams.model_validate(config.dense.model_dump())
            assert isinstance(made.asked.vectors, dict)
            made.asked.vectors[name] = params
        else:
            sparse = models.SparseVectorParams(modifier=config.sparse.modifier)
            made.asked.sparse_vectors = {**(made.asked.sparse_vectors or {}), name: sparse}

    def delete_vector_name(self, collection: str, name: str) -> None:
        made = self.made(collection)
        for fields in (made.asked.vectors, made.asked.sparse_vectors):
            if isinstance(fields, dict) and name in fields:
                del fields[name]
                made.shard.update(qe.UpdateOperation.delete_vector_name(name))
                return
        raise Refused(404, f"Not found: Vector `{name}` doesn't exist!")

    def batch_update_points(
        self, collection: str, operations: Sequence[models.UpdateOperation]
    ) -> None:
        """One after the other, as they come; the engine decides each as one step."""
        shard = self.made(collection).shard
        for one in operations:
            shard.update(operation(one))

    def retrieve(
        self, collection: str, ids: Sequence[Id], with_payload: Payload, with_vectors: Vectors
    ) -> list[models.Record]:
        shard = self.made(collection).shard
        found = shard.retrieve([*ids], selected(with_payload), with_vectors)
        return [record(one) for one in found]

    def scroll(
        self,
        collection: str,
        scroll_filter: models.Filter | None = None,
        *,
        limit: int,
        offset: Id | None,
        with_payload: Payload,
        with_vectors: Vectors,
    ) -> tuple[list[models.Record], Id | None]:
        request = qe.ScrollRequest(
            offset=offset,
            limit=limit,
            filter=edge_filter(scroll_filter),
            with_payload=selected(with_payload),
            with_vector=with_vectors,
        )
        found, following = self.made(collection).shard.scroll(request)
        return [record(one) for one in found], following

    def count(self, collection: str, count_filter: models.Filter | None) -> models.CountResult:
        request = qe.CountRequest(exact=True, filter=edge_filter(count_filter))
        return models.CountResult(count=self.made(collection).shard.count(request))

    def facet(self, collection: str, asked: models.FacetRequest) -> models.FacetResponse:
        """Values of the index's own type alone; without an index the engine refuses."""
        limit = 10 if asked.limit is None else asked.limit
        wanted = edge_filter(asked.filter)
        request = qe.FacetRequest(asked.key, limit, exact=bool(asked.exact), filter=wanted)
        hits = self.made(collection).shard.facet(request).hits
        return models.FacetResponse(
            hits=[models.FacetValueHit(value=hit.value, count=hit.count) for hit in hits]
        )

    def query_batch_points(
        self, collection: str, requests: Sequence[models.QueryRequest]
    ) -> list[QueryResponse]:
        batch = qe.QueryBatchRequest([query(request) for request in requests])
        answers = self.made(collection).shard.query_batch(batch)
        return [QueryResponse(points=[scored(one) for one in found]) for found in answers]

    def close(self) -> None:
        """Let go of all shards and their files."""
        for made in self._made.values():
            made.shard.close()
        self._made.clear()
        shutil.rmtree(self._folder, ignore_errors=True)


def _named(index: qe.PayloadIndexInfo) -> models.PayloadSchemaType:
    return models.PayloadSchemaType(str(index.data_type).rpartition(".")[2].lower())


def _config(asked: models.CreateCollection) -> models.CollectionConfig:
    """What was asked for; the rest is what a server has where nothing is said."""
    return models.CollectionConfig(
        params=models.CollectionParams(vectors=asked.vectors, sparse_vectors=asked.sparse_vectors),
        hnsw_config=models.HnswConfig(m=16, ef_construct=100, full_scan_threshold=10_000),
        optimizer_config=models.OptimizersConfig(
            deleted_threshold=0.2,
            vacuum_min_vector_number=1000,
            default_segment_number=0,
            indexing_threshold=10_000,
            flush_interval_sec=5,
        ),
        wal_config=models.WalConfig(wal_capacity_mb=32, wal_segments_ahead=0),
    )
