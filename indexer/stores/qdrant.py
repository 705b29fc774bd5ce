"""The VectorStore on a Qdrant server or cluster, for several processes at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from qdrant_client import QdrantClient, models

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
from indexer.filters import Filter, HasId, all_of
from indexer.stores import qdrant_points as wire
from indexer.stores.facets import FACETED_BY_ENGINE, ValueCounts, most_frequent, value_as_text
from indexer.stores.fields import parse_field
from indexer.stores.paging import id_after, pages
from indexer.stores.payloads import check_payloads, check_points
from indexer.stores.qdrant_filters import qdrant_filter
from indexer.stores.qdrant_options import ServerOptions, search_params
from indexer.stores.qdrant_server import QdrantServer, open_client
from indexer.stores.qdrant_snapshots import Snapshots
from indexer.stores.queries import check_filter, check_limit, check_query
from indexer.stores.validation import (
    check_ids,
    check_new_space,
    check_rows,
    check_spaces,
)

_POINTS_PER_CALL = 256
_QUERIES_PER_CALL = 100


def connect(
    url: str,
    api_key: str | None = None,
    *,
    grpc: bool = True,
    options: ServerOptions | None = None,
) -> QdrantStore:
    """A store on the server at the URL; `:memory:` is for tests.

    gRPC goes to the port after that of the URL; without it all goes through HTTP, which any
    proxy passes on.
    """
    client = open_client(url, api_key, grpc=grpc)
    return QdrantStore(QdrantServer(client, options or ServerOptions()), Snapshots(url, api_key))


class QdrantStore:
    """A VectorStore on a Qdrant server, which builds and merges indexes by itself.

    Acknowledged writes are in the server's log: `flush` and `optimize` have nothing to do.
    """

    def __init__(self, server: QdrantServer, snapshots: Snapshots) -> None:
        self._server = server
        self._snapshots = snapshots
        self._consistency = server.options.consistency

    def create_collection(self, collection: str, spaces: Sequence[Space]) -> None:
        self._server.create(collection, check_spaces(spaces))

    def drop_collection(self, collection: str) -> None:
        self._server.drop(collection)

    def collections(self) -> list[str]:
        return self._server.names()

    def aliases(self) -> Mapping[str, str]:
        return self._server.aliases()

    def set_alias(self, alias: str, collection: str) -> None:
        self._server.set_alias(alias, collection)

    def drop_alias(self, alias: str) -> bool:
        return self._server.drop_alias(alias)

    def add_space(self, collection: str, space: Space) -> None:
        if check_new_space(space, self._server.read_schema(collection).dimensions):
            self._server.add_space(collection, space)

    def drop_space(self, collection: str, space: str) -> bool:
        return self._server.drop_space(collection, space)

    def index_field(self, collection: str, field: str, type: FieldType) -> None:
        path = parse_field(field).engine
        if not self._server.read_schema(collection).is_indexed(path, type):
            self._server.index(collection, path, type)

    def insert(self, collection: str, points: Sequence[Point]) -> None:
        for batch in batches(list(check_points(points).items()), _POINTS_PER_CALL):
            new = [wire.point(id, payload) for id, payload in batch]
            mode = models.UpdateMode.INSERT_ONLY
            self._server.ask(collection, QdrantClient.upsert, new, update_mode=mode)

    def write_vectors(self, collection: str, rows: Sequence[PointVectors]) -> None:
        spaces = {space for row in rows for space in row.vectors}
        checked = check_rows(rows, self._server.schema(collection, spaces).dimensions)
        for batch in batches(list(checked.items()), _POINTS_PER_CALL):
            vectors = {id: wire.point_vectors(id, named) for id, named in batch}
            self._server.ask(collection, wire.write_present, vectors)

    def set_payload(
        self,
        collection: str,
        payloads: Mapping[AssetId, Payload],
        *,
        only: Filter | None = None,
    ) -> None:
        condition = self._server.checked_filter(collection, only)
        merges = [
            wire.merge_payload(qdrant_filter(all_of(HasId(frozenset(ids)), condition)), payload)
            for ids, payload in check_payloads(payloads, _POINTS_PER_CALL)
        ]
        # strong: of writers that race, all copies of the point agree who was first
        ordering = models.WriteOrdering.STRONG if only is not None else None
        update = QdrantClient.batch_update_points
        for batch in batches(merges, _POINTS_PER_CALL):
            self._server.ask(collection, update, [*batch], ordering=ordering)

    def delete(self, collection: str, ids: Sequence[AssetId]) -> None:
        for batch in batches(check_ids(ids), _POINTS_PER_CALL):
            gone = models.PointIdsList(points=[*batch])
            self._server.ask(collection, QdrantClient.delete, gone)

    def get(
        self, collection: str, ids: Sequence[AssetId], spaces: Sequence[str] = ()
    ) -> list[StoredPoint]:
        wanted = self._server.wanted_vectors(collection, spaces)
        found: dict[AssetId, StoredPoint] = {}
        for batch in batches(check_ids(ids), _POINTS_PER_CALL):
            records = self._server.ask(
                collection,
                QdrantClient.retrieve,
                [*batch],
                with_vectors=wanted,
                consistency=self._consistency,
            )
            found.update((str(record.id), wire.stored(record)) for record in records)
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
        records, more = self._server.ask(
            collection,
            QdrantClient.scroll,
            qdrant_filter(self._server.checked_filter(collection, filter)),
            limit=check_limit(limit),
            offset=start,
            with_payload=wire.payload_selector(fields),
            with_vectors=self._server.wanted_vectors(collection, spaces),
            consistency=self._consistency,
        )
        points = [wire.stored(record) for record in records]
        return points, points[-1].id if points and more is not None else None

    def count(self, collection: str, filter: Filter | None = None) -> int:
        condition = qdrant_filter(self._server.checked_filter(collection, filter))
        return self._server.ask(collection, QdrantClient.count, condition, exact=True).count

    def facet(
        self, collection: str, field: str, filter: Filter | None = None, *, limit: int = 100
    ) -> dict[str, int]:
        path = parse_field(field)
        schema = self._server.schema(collection)
        if schema.is_indexed(path.engine, *FACETED_BY_ENGINE):
            hits = self._server.ask(
                collection,
                QdrantClient.facet,
                path.engine,
                qdrant_filter(check_filter(filter, schema.dimensions)),
                limit=check_limit(limit),
                exact=True,
                consistency=self._consistency,
            ).hits
            return most_frequent({value_as_text(hit.value): hit.count for hit in hits}, limit)
        check_limit(limit)
        counts = ValueCounts(pages(self, collection, filter, [path.steps[0].key]), path)
        # read anew: the index that another process made meanwhile must not be replaced
        unindexed = not self._server.read_schema(collection).is_indexed(path.engine)
        if unindexed and filter is None and counts.index_type is not None:
            self.index_field(collection, field, counts.index_type)  # so that it is fast next time
        return counts.most_frequent(limit)

    def nearest(self, collection: str, queries: Sequence[NearestQuery]) -> list[list[ScoredPoint]]:
        spaces = {space for query in queries for space in (query.space, *query.spaces)}
        dimensions = self._server.schema(collection, spaces).dimensions
        checked = [check_query(query, dimensions) for query in queries]
        params = search_params(self._server.options)
        hits: list[list[ScoredPoint]] = []
        for batch in batches(checked, _QUERIES_PER_CALL):
            requests = [wire.engine_query(query, params) for query in batch]
            answers = self._server.ask(
                collection,
                QdrantClient.query_batch_points,
                requests,
                consistency=self._consistency,
            )
            hits.extend([wire.scored(one) for one in answer.points] for answer in answers)
        # the server leaves the order of equal scores open
        return [sorted(found, key=lambda hit: (-hit.score, hit.id)) for found in hits]

    def flush(self, collection: str) -> None:
        self._server.schema(collection)

    def optimize(self, collection: str) -> bool:
        self._server.schema(collection)
        return False

    @property
    def snapshot_format(self) -> str:
        return "qdrant"

    def save_snapshot(self, collection: str, file: Path) -> None:
        self._server.read_schema(collection)
        self._snapshots.save(self._server.aliases().get(collection, collection), file)

    def load_snapshot(self, collection: str, file: Path, sha256: str) -> None:
        self._server.check_new(collection)
        self._snapshots.load(collection, file, sha256)

    def expect_vectors(self, collection: str, waiting: int) -> None:
        self._server.expect_vectors(collection, waiting)

    def close(self) -> None:
        self._server.close()
