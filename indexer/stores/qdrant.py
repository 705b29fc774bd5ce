"""The VectorStore on a Qdrant server or cluster, for several processes at once."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

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
from indexer.filters import Filter, HasId, HasVector, all_of, walk
from indexer.stores.facets import FACETED_BY_ENGINE, ValueCounts, most_frequent, value_as_text
from indexer.stores.fields import parse_field
from indexer.stores.paging import id_after, pages
from indexer.stores.payloads import check_payloads, check_points
from indexer.stores.qdrant_filters import qdrant_filter
from indexer.stores.qdrant_points import (
    engine_query,
    merge_payload,
    payload_selector,
    point,
    point_vectors,
    scored,
    stored,
)
from indexer.stores.qdrant_server import QdrantServer
from indexer.stores.queries import check_filter, check_limit, check_query
from indexer.stores.validation import (
    check_ids,
    check_new_space,
    check_rows,
    check_space,
    check_spaces,
)

_POINTS_PER_CALL = 256
_QUERIES_PER_CALL = 100
_TIMEOUT_SECONDS = 60
_HTTP_PORT = 6333


def connect(url: str, api_key: str | None = None, *, grpc: bool = True) -> QdrantStore:
    """A store on the server at the URL; `:memory:` is for tests.

    gRPC goes to the port after that of the URL; without it all goes through HTTP, which any
    proxy passes on.
    """
    if url == ":memory:":
        # in memory all is scanned, so that an index or a search setting that is missing there
        # changes no answer
        for note in ("Payload indexes have no effect", "Local mode performs exact"):
            warnings.filterwarnings("ignore", note, UserWarning)
        return QdrantStore(QdrantClient(":memory:"))
    client = QdrantClient(
        url=url,
        api_key=api_key,
        prefer_grpc=grpc,
        grpc_port=(urlsplit(url).port or _HTTP_PORT) + 1,
        timeout=_TIMEOUT_SECONDS,
        check_compatibility=False,  # it would call the server here, and only to print a warning
    )
    return QdrantStore(client)


class QdrantStore:
    """A VectorStore on a Qdrant server, which builds and merges indexes by itself.

    Acknowledged writes are in the server's log: `flush` and `optimize` have nothing to do.
    """

    def __init__(self, client: QdrantClient) -> None:
        self._server = QdrantServer(client)

    def create_collection(self, collection: str, spaces: Sequence[Space]) -> None:
        self._server.create(collection, check_spaces(spaces))

    def drop_collection(self, collection: str) -> None:
        self._server.drop(collection)

    def collections(self) -> list[str]:
        return self._server.names()

    def add_space(self, collection: str, space: Space) -> None:
        if check_new_space(space, self._server.read_schema(collection).dimensions):
            self._server.add_space(collection, space)

    def drop_space(self, collection: str, space: str) -> bool:
        if space not in self._server.read_schema(collection).dimensions:
            return False
        self._server.drop_space(collection, space)
        return True

    def index_field(self, collection: str, field: str, type: FieldType) -> None:
        path = parse_field(field).engine
        if not self._server.read_schema(collection).is_indexed(path, type):
            self._server.index(collection, path, type)

    def insert(self, collection: str, points: Sequence[Point]) -> None:
        for batch in batches(list(check_points(points).items()), _POINTS_PER_CALL):
            with self._server.use(collection) as client:
                client.upsert(
                    collection,
                    [point(id, payload) for id, payload in batch],
                    update_mode=models.UpdateMode.INSERT_ONLY,
                    wait=True,
                )

    def write_vectors(self, collection: str, rows: Sequence[PointVectors]) -> None:
        spaces = {space for row in rows for space in row.vectors}
        checked = check_rows(rows, self._server.schema(collection, spaces).dimensions)
        for batch in batches(list(checked.items()), _POINTS_PER_CALL):
            vectors = {id: point_vectors(id, named) for id, named in batch}
            with self._server.use(collection) as client:
                # the server would apply the others and then answer 404 for an id it does not have
                there = client.retrieve(
                    collection, [*vectors], with_payload=False, with_vectors=False
                )
                present = [vectors[str(record.id)] for record in there]
                if present:
                    client.update_vectors(collection, present, wait=True)

    def set_payload(
        self,
        collection: str,
        payloads: Mapping[AssetId, Payload],
        *,
        only: Filter | None = None,
    ) -> None:
        condition = self._checked(collection, only)
        merges = [
            merge_payload(qdrant_filter(all_of(HasId(frozenset(ids)), condition)), payload)
            for ids, payload in check_payloads(payloads, _POINTS_PER_CALL)
        ]
        for batch in batches(merges, _POINTS_PER_CALL):
            with self._server.use(collection) as client:
                # strong: of writers that race, all copies of the point agree who was first
                ordering = models.WriteOrdering.STRONG if only is not None else None
                client.batch_update_points(collection, [*batch], wait=True, ordering=ordering)

    def delete(self, collection: str, ids: Sequence[AssetId]) -> None:
        for batch in batches(check_ids(ids), _POINTS_PER_CALL):
            with self._server.use(collection) as client:
                client.delete(collection, models.PointIdsList(points=[*batch]), wait=True)

    def get(
        self, collection: str, ids: Sequence[AssetId], spaces: Sequence[str] = ()
    ) -> list[StoredPoint]:
        wanted = self._wanted(collection, spaces)
        found: dict[AssetId, StoredPoint] = {}
        for batch in batches(check_ids(ids), _POINTS_PER_CALL):
            with self._server.use(collection) as client:
                records = client.retrieve(
                    collection, [*batch], with_payload=True, with_vectors=wanted
                )
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
        condition = self._checked(collection, filter)
        wanted = self._wanted(collection, spaces)
        with self._server.use(collection) as client:
            records, more = client.scroll(
                collection,
                qdrant_filter(condition),
                limit=check_limit(limit),
                offset=start,
                with_payload=payload_selector(fields),
                with_vectors=wanted,
            )
        points = [stored(record) for record in records]
        return points, points[-1].id if points and more is not None else None

    def count(self, collection: str, filter: Filter | None = None) -> int:
        condition = self._checked(collection, filter)
        with self._server.use(collection) as client:
            return client.count(collection, qdrant_filter(condition), exact=True).count

    def facet(
        self, collection: str, field: str, filter: Filter | None = None, *, limit: int = 100
    ) -> dict[str, int]:
        path = parse_field(field)
        check_limit(limit)
        schema = self._server.schema(collection)
        if schema.is_indexed(path.engine, *FACETED_BY_ENGINE):
            condition = qdrant_filter(check_filter(filter, schema.dimensions))
            with self._server.use(collection) as client:
                hits = client.facet(
                    collection, path.engine, condition, limit=limit, exact=True
                ).hits
            return most_frequent({value_as_text(hit.value): hit.count for hit in hits}, limit)
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
        hits: list[list[ScoredPoint]] = []
        for batch in batches(checked, _QUERIES_PER_CALL):
            requests = [engine_query(query) for query in batch]
            with self._server.use(collection) as client:
                answers = client.query_batch_points(collection, requests)
            hits.extend([scored(one) for one in answer.points] for answer in answers)
        # the server leaves the order of equal scores open
        return [sorted(found, key=lambda hit: (-hit.score, hit.id)) for found in hits]

    def flush(self, collection: str) -> None:
        self._server.schema(collection)

    def optimize(self, collection: str) -> bool:
        self._server.schema(collection)
        return False

    def close(self) -> None:
        self._server.close()

    def _checked(self, collection: str, filter: Filter | None) -> Filter | None:
        inner = walk(filter) if filter is not None else ()
        spaces = {one.space for one in inner if isinstance(one, HasVector)}
        return check_filter(filter, self._server.schema(collection, spaces).dimensions)

    def _wanted(self, collection: str, spaces: Sequence[str]) -> list[str] | bool:
        if not spaces:
            return False
        dimensions = self._server.schema(collection, spaces).dimensions
        return [check_space(space, dimensions, "The request") for space in spaces]
