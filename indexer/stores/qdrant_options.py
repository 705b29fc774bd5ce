"""How Collections are laid out on a Qdrant server and asked there, from the settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from qdrant_client import models

from indexer.domain import SPARSE
from indexer.settings import ReadConsistency, Settings
from indexer.stores.queries import MAX_LIMIT

INDEXING_THRESHOLD_KB = 10_000
"""From this size on a segment gets an index; the server's own default, written down so that it
can be given back after a bulk load."""

BULK_FROM = 200_000
"""With so many vectors to come, each index built now would be built again several times over: it
waits, and searches of what is new scan meanwhile (about 20 ms for 100k vectors of 512 numbers)."""

BULK_UNTIL = 20_000
"""With so few left, indexes are built again; well below `BULK_FROM`, so that a queue that is
refilled does not make it go back and forth."""

_USUAL_KB = (INDEXING_THRESHOLD_KB, 20_000)  # the latter was the server's default before
_NEVER = 0  # a threshold by which the server builds no index
_MAX_TIMEOUT_SECONDS = 60
_MAX_EF = 4096  # as far as our settings go
_MAX_OVERSAMPLING = 16.0
_QUANTILE = 0.99  # Qdrant's advice for int8: the few numbers beyond are cut off


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What `SEMBLANCE_QDRANT_…` says; the defaults suit one small server.

    `shards` None leaves their number to the server: one a node. What is said of layout counts
    for Collections that are made from now on; what is said of asking counts at once.
    """

    shards: int | None = None
    replicas: int = 1
    write_replicas: int = 1
    read_consistency: ReadConsistency = "one"
    vectors_on_disk: bool = False
    payload_on_disk: bool = True
    int8: bool = False
    oversampling: float = 2.0
    hnsw_m: int = 16
    hnsw_ef: int = 128
    strict: bool = False

    @property
    def consistency(self) -> models.ReadConsistencyType | None:
        """How many copies a read asks; None for one."""
        if self.read_consistency == "one":
            return None
        return models.ReadConsistencyType(self.read_consistency)


def options_from(settings: Settings) -> ServerOptions:
    """The options that the settings name."""
    return ServerOptions(
        shards=settings.qdrant_shards,
        replicas=settings.qdrant_replicas,
        write_replicas=settings.qdrant_write_replicas,
        read_consistency=settings.qdrant_read_consistency,
        vectors_on_disk=settings.qdrant_vectors_on_disk,
        payload_on_disk=settings.qdrant_payload_on_disk,
        int8=settings.qdrant_int8,
        oversampling=settings.qdrant_oversampling,
        hnsw_m=settings.qdrant_hnsw_m,
        hnsw_ef=settings.qdrant_hnsw_ef,
        strict=settings.qdrant_strict,
    )


def layout(options: ServerOptions, dimensions: Mapping[str, int]) -> dict[str, Any]:
    """What a Collection is created with: one vector field a Space (cosine), and BM25's terms."""
    return {
        "vectors_config": {
            space: models.VectorParams(
                size=dimension,
                distance=models.Distance.COSINE,
                on_disk=options.vectors_on_disk,
            )
            for space, dimension in dimensions.items()
        },
        "sparse_vectors_config": {
            SPARSE: models.SparseVectorParams(
                modifier=models.Modifier.IDF,  # which the server keeps
                index=models.SparseIndexParams(on_disk=options.vectors_on_disk),
            )
        },
        "shard_number": options.shards,
        "replication_factor": options.replicas,
        "write_consistency_factor": options.write_replicas,
        "on_disk_payload": options.payload_on_disk,
        "hnsw_config": models.HnswConfigDiff(m=options.hnsw_m),
        "optimizers_config": models.OptimizersConfigDiff(indexing_threshold=INDEXING_THRESHOLD_KB),
        "quantization_config": _quantization() if options.int8 else None,
        "strict_mode_config": _strict_mode(options),
    }


def placement(options: ServerOptions, spaces: Iterable[str]) -> dict[str, models.VectorParamsDiff]:
    """What a Space that is added later is told about its place; the rest it has in common."""
    diff = models.VectorParamsDiff(on_disk=options.vectors_on_disk)
    return dict.fromkeys(spaces, diff)


def indexing_threshold(waiting: int, before: int | None) -> int | None:
    """The threshold to have while so many vectors are to come; one that somebody chose stays."""
    if waiting >= BULK_FROM and before in _USUAL_KB:
        return _NEVER
    if waiting <= BULK_UNTIL and before == _NEVER:
        return INDEXING_THRESHOLD_KB
    return before


def search_params(options: ServerOptions) -> models.SearchParams:
    """How thoroughly is searched; with int8, candidates are compared again by their full vectors.

    Measured on 100k vectors of 512 dimensions: recall@10 0.963 without oversampling, 0.997 with 2.
    """
    rescored = models.QuantizationSearchParams(rescore=True, oversampling=options.oversampling)
    return models.SearchParams(
        hnsw_ef=options.hnsw_ef, quantization=rescored if options.int8 else None
    )


def _quantization() -> models.ScalarQuantization:
    return models.ScalarQuantization(
        scalar=models.ScalarQuantizationConfig(
            type=models.ScalarType.INT8, quantile=_QUANTILE, always_ram=True
        )
    )


def _strict_mode(options: ServerOptions) -> models.StrictModeConfig:
    """Limits that our own calls keep, for whoever else uses the server.

    Filters on fields without an index stay allowed, also where a server forbids them by default:
    people filter by any of their metadata, and only the first fields get an index.
    """
    if not options.strict:
        return models.StrictModeConfig(enabled=False)
    return models.StrictModeConfig(
        enabled=True,
        unindexed_filtering_retrieve=True,
        unindexed_filtering_update=True,
        max_query_limit=MAX_LIMIT,
        max_timeout=_MAX_TIMEOUT_SECONDS,
        search_max_hnsw_ef=_MAX_EF,
        search_max_oversampling=_MAX_OVERSAMPLING,
    )
