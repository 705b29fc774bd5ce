"""The VectorStore in this process: qdrant-edge, one folder a Collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import qdrant_edge as qe

from indexer.batches import batches
from indexer.domain import (
    AssetId,
    FieldType,
    NearestQuery,
    Payload,
    Point,
    PointVectors,
    ScoredPoint,
    Space,
    StoredPoint,
)
from indexer.filters import Filter
from indexer.stores.edge_filters import edge_filter, edge_filter_of
from indexer.stores.edge_folder import ShardFolder
from indexer.stores.edge_points import (
    create_space,
    engine_query,
    engine_vectors,
    index_ledger_fields,
    index_operation,
    is_indexed,
    scored,
    shard_config,
    stored,
)
from indexer.stores.edge_shard import OpenShard
from indexer.stores.edge_snapshots import pack, unpack
from indexer.stores.facets import FACETED_BY_ENGINE, ValueCounts, most_frequent, value_as_text
from indexer.stores.fields import key_paths, parse_field
from indexer.stores.paging import id_after, pages
from indexer.stores.payloads import check_payloads, check_points
from indexer.stores.queries import check_filter, check_limit, check_query
from indexer.stores.validation import (
    check_ids,
    check_new_space,
    check_rows,
    check_spaces,
)

MIN_FREE_BYTES = 128 * 1024**2
_POINTS_PER_CALL = 256  # the engine holds the GIL for a whole call: keep calls near 50 ms
_QUERIES_PER_CALL = 32


class EdgeStore:
    """A VectorStore on a folder, which it owns until it is closed.

    A collection that does not open leaves the others usable; it raises `StoreUnavailable` when
    it is used and can still be dropped. Below `min_free_bytes` of disk, writes raise `DiskFull`.
    """

    def __init__(self, folder: Path, *, min_free_bytes: int = MIN_FREE_BYTES) -> None:
        self._folder = ShardFolder(folder, min_free_bytes, index_ledger_fields)

    def create_collection(self, collection: str, spaces: Sequence[Space]) -> None:
        self._folder.create(collection, shard_config(check_spaces(spaces)))

    def drop_collection(self, collection: str) -> None:
        self._folder.drop(collection)

    def collections(self) -> list[str]:
        return self._folder.names()

    def aliases(self) -> Mapping[str, str]:
        return self._folder.aliases()

    def set_alias(self, alias: str, collection: str) -> None:
        self._folder.set_alias(alias, collection)

    def drop_alias(self, alias: str) -> bool:
        return self._folder.drop_alias(alias)

    def add_space(self, collection: str, space: Space) -> None:
        with self._folder.use(collection) as opened:
            if check_new_space(space, opened.dimensions):
                self._update(opened, create_space(space))
                opened.dimensions[space.name] = space.dimension

    def drop_space(self, collection: str, space: str) -> bool:
        with self._folder.use(collection) as opened:
            if space not in opened.dimensions:
                return False
            self._update(opened, qe.UpdateOperation.delete_vector_name(space))
            del opened.dimensions[space]
            return True

    def index_field(self, collection: str, field: str, type: FieldType) -> None:
        path = parse_field(field).engine
        with self._folder.use(collection) as opened:
            if not is_indexed(opened.shard, path, type):
                self._update(opened, index_operation(path, type))

    def insert(self, collection: str, points: Sequence[Point]) -> None:
        for batch in batches(list(check_points(points).items()), _POINTS_PER_CALL):
            operation = qe.UpdateOperation.upsert_points(
                [qe.Point(id, {}, payload) for id, payload in batch],
                update_mode=qe.UpdateMode.InsertOnly,
            )
            with self._folder.use(collection) as opened:
                self._update(opened, operation)

    def write_vectors(self, collection: str, rows: Sequence[PointVectors]) -> None:
        with self._folder.use(collection) as opened:
            checked = check_rows(rows, opened.dimensions)
        for batch in batches(list(checked.items()), _POINTS_PER_CALL):
            vectors = {id: qe.PointVectors(id, engine_vectors(named)) for id, named in batch}
            with self._folder.use(collection) as opened:
                # the engine would apply the others and then raise for an id it does not have
                there = opened.shard.retrieve([*vectors], False, False)
                present = [vectors[str(record.id)] for record in there]
                if present:
                    self._update(opened, qe.UpdateOperation.update_vectors(present))

    def set_payload(
        self,
        collection: str,
        payloads: Mapping[AssetId, Payload],
        *,
        only: Filter | None = None,
    ) -> None:
        with self._folder.use(collection) as opened:
            condition = check_filter(only, opened.dimensions)
        for ids, payload in check_payloads(payloads, _POINTS_PER_CALL):
            # by filter: ids that are missing are then passed over; a null removes its key
            wanted = edge_filter_of(ids, condition)
            with self._folder.use(collection) as opened:
                self._update(opened, qe.UpdateOperation.set_payload_by_filter(wanted, payload))

    def delete(self, collection: str, ids: Sequence[AssetId]) -> None:
        for batch in batches(check_ids(ids), _POINTS_PER_CALL):
            with self._folder.use(collection) as opened:
                self._update(opened, qe.UpdateOperation.delete_points([*batch]))

    def get(
        self, collection: str, ids: Sequence[AssetId], spaces: Sequence[str] = ()
    ) -> list[StoredPoint]:
        found: dict[AssetId, StoredPoint] = {}
        for batch in batches(check_ids(ids), _POINTS_PER_CALL):
            with self._folder.use(collection) as opened:
                records = opened.shard.retrieve([*batch], True, opened.wanted(spaces))
            found.update((str(record.id), stored(record)) for record in records)
        return [found[id] for id in ids if id in found]

    def scroll(
        self,
        collection: str,
        filter: Filter | None = None,
        *,
        limit: int = 256,
        after: AssetId | None = None,
        spaces: Sequence[str] = (),
        fields: Sequence[str] | None = None,
    ) -> tuple[list[StoredPoint], AssetId | None]:
        start = None
        if after is not None and (start := id_after(check_ids([after])[0])) is None:
            return [], None
        payload = True if fields is None else qe.PayloadSelector.Include(key_paths(fields))
        with self._folder.use(collection) as opened:
            request = qe.ScrollRequest(
                offset=start,
                limit=check_limit(limit),
                filter=edge_filter(check_filter(filter, opened.dimensions)),
                with_payload=payload,
                with_vector=opened.wanted(spaces),
            )
            records, more = opened.shard.scroll(request)
        points = [stored(record) for record in records]
        return points, points[-1].id if points and more is not None else None

    def count(self, collection: str, filter: Filter | None = None) -> int:
        with self._folder.use(collection) as opened:
            condition = edge_filter(check_filter(filter, opened.dimensions))
            return opened.shard.count(qe.CountRequest(exact=True, filter=condition))

    def facet(
        self, collection: str, field: str, filter: Filter | None = None, *, limit: int = 100
    ) -> dict[str, int]:
        path = parse_field(field)
        check_limit(limit)
        with self._folder.use(collection) as opened:
            condition = edge_filter(check_filter(filter, opened.dimensions))
            indexed = is_indexed(opened.shard, path.engine)
            if is_indexed(opened.shard, path.engine, *FACETED_BY_ENGINE):
                request = qe.FacetRequest(path.engine, limit, exact=True, filter=condition)
                hits = opened.shard.facet(request).hits
                return most_frequent({value_as_text(h.value): h.count for h in hits}, limit)
        counts = ValueCounts(pages(self, collection, filter, [path.steps[0].key]), path)
        if not indexed and filter is None and counts.index_type is not None:
            self.index_field(collection, field, counts.index_type)  # so that it is fast next time
        return counts.most_frequent(limit)

    def nearest(self, collection: str, queries: Sequence[NearestQuery]) -> list[list[ScoredPoint]]:
        hits: list[list[ScoredPoint]] = []
        with self._folder.use(collection) as opened:
            checked = [check_query(query, opened.dimensions) for query in queries]
        for batch in batches(checked, _QUERIES_PER_CALL):
            request = qe.QueryBatchRequest([engine_query(query) for query in batch])
            with self._folder.use(collection) as opened:
                answers = opened.shard.query_batch(request)
            hits.extend([scored(point) for point in answer] for answer in answers)
        # the engine leaves the order of equal scores open
        return [sorted(found, key=lambda hit: (-hit.score, hit.id)) for found in hits]

    def flush(self, collection: str) -> None:
        with self._folder.use(collection) as opened:
            opened.shard.flush()

    def optimize(self, collection: str) -> bool:
        with self._folder.use(collection) as opened:
            # the worst case: every segment is written anew before the old ones go
            self._folder.check_space(opened.used_bytes())
            return opened.shard.optimize()

    @property
    def snapshot_format(self) -> str:
        return "qdrant-edge"

    def save_snapshot(self, collection: str, file: Path) -> None:
        with self._folder.use(collection) as opened:
            opened.shard.flush()
            pack(opened.folder, file)  # still held: nobody writes meanwhile

    def load_snapshot(self, collection: str, file: Path, sha256: str) -> None:
        del sha256  # it is read from this very disk
        self._folder.add(collection, partial(unpack, file), needed=file.stat().st_size)

    def expect_vectors(self, collection: str, waiting: int) -> None:
        del waiting  # indexes are built by `optimize` alone, when its caller sees fit
        with self._folder.use(collection):
            pass

    def close(self) -> None:
        self._folder.close()

    def _update(self, opened: OpenShard, operation: qe.UpdateOperation) -> None:
        self._folder.check_space()
        opened.shard.update(operation)
