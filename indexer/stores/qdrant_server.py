"""The server behind the qdrant store: its Collections, what they look like, and its errors."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import urlsplit

from qdrant_client import QdrantClient, models

from indexer.domain import SPARSE, FieldType, Space
from indexer.errors import CollectionExists, CollectionNotFound, StoreUnavailable
from indexer.filters import Filter, HasVector, walk
from indexer.stores.aliases import check_alias, check_own_name, check_unused
from indexer.stores.ledger_fields import LEDGER_FIELDS
from indexer.stores.qdrant_errors import check_version, qdrant_errors
from indexer.stores.qdrant_options import ServerOptions, indexing_threshold, layout, placement
from indexer.stores.qdrant_patience import patiently
from indexer.stores.qdrant_points import SCHEMAS
from indexer.stores.qdrant_schema import Schema, schema_of
from indexer.stores.qdrant_snapshots import HTTP_PORT
from indexer.stores.queries import check_filter
from indexer.stores.validation import check_collection_name, check_space

_SCHEMA_SECONDS = 10.0  # how long another process's new Collection or index may go unnoticed
_TIMEOUT_SECONDS = 60

T = TypeVar("T")


def open_client(url: str, api_key: str | None, *, grpc: bool) -> QdrantClient:
    """A client that has not called the server yet; `:memory:` needs none."""
    if url == ":memory:":
        # in memory all is scanned, so that an index or a search setting that is missing there
        # changes no answer
        for note in ("Payload indexes have no effect", "Local mode performs exact"):
            warnings.filterwarnings("ignore", note, UserWarning)
        return QdrantClient(":memory:")
    return QdrantClient(
        url=url,
        api_key=api_key,
        prefer_grpc=grpc,
        grpc_port=(urlsplit(url).port or HTTP_PORT) + 1,
        timeout=_TIMEOUT_SECONDS,
        check_compatibility=False,  # it would call the server here, and only to print a warning
    )


class QdrantServer:
    """Makes, describes and removes Collections, and lends the client for everything else."""

    def __init__(self, client: QdrantClient, options: ServerOptions) -> None:
        self.options = options
        self._client = client
        self._version_known = False
        self._schemas: dict[str, Schema] = {}
        self._complete: set[str] = set()
        self._closed = False

    @contextmanager
    def use(self, collection: str) -> Iterator[QdrantClient]:
        """The client; its errors come out as ours, naming the Collection."""
        if self._closed:
            raise StoreUnavailable("The store is closed; open a new one.")
        try:
            with qdrant_errors(collection):
                if not self._version_known:
                    check_version(self._client.info().version)
                    self._version_known = True
                yield self._client
        except CollectionNotFound:
            self._schemas.pop(collection, None)
            raise

    def ask(
        self,
        collection: str,
        call: Callable[..., T],
        *given: object,
        **named: object,
    ) -> T:
        """What the client's call says of the Collection; tried again where that may help.

        So the call must do no harm when it is made twice. Writes are waited for.
        """

        def once() -> T:
            with self.use(collection) as client:
                return call(client, collection, *given, **named)

        return patiently(once)

    def schema(self, collection: str, spaces: Iterable[str] = ()) -> Schema:
        """What the Collection looks like, at most some seconds old: searches need it each time.

        It is read anew where one of `spaces` is missing: another process may just have added it.
        """
        known = self._schemas.get(check_collection_name(collection))
        if (
            known is not None
            and time.monotonic() - known.read_at < _SCHEMA_SECONDS
            and known.dimensions.keys() >= {*spaces} - {SPARSE}
        ):
            return known
        return self.read_schema(collection)

    def read_schema(self, collection: str) -> Schema:
        """What the Collection looks like now."""
        # remembered by the Collection's own name: an alias may lead elsewhere at any moment
        name = self.aliases().get(check_collection_name(collection), collection)
        schema = schema_of(self.ask(name, QdrantClient.get_collection))
        if schema.is_ours and name not in self._complete:
            self._complete.add(name)
            if self._index_ledger_fields(name, schema):
                return self.read_schema(name)
        self._schemas[name] = schema
        return schema

    def _index_ledger_fields(self, collection: str, schema: Schema) -> bool:
        """Make indexes of the ledger that an older version did not make; True if there were any."""
        missing = {
            field: type for field, type in LEDGER_FIELDS.items() if not schema.is_indexed(field)
        }
        for field, type in missing.items():
            self.index(collection, field, type)
        return bool(missing)

    def checked_filter(self, collection: str, filter: Filter | None) -> Filter | None:
        """The filter in simple form, as far as the Collection has the Spaces it names."""
        inner = walk(filter) if filter is not None else ()
        spaces = {one.space for one in inner if isinstance(one, HasVector)}
        return check_filter(filter, self.schema(collection, spaces).dimensions)

    def wanted_vectors(self, collection: str, spaces: Sequence[str]) -> list[str] | bool:
        """Which vectors a call is to bring along; False for none."""
        if not spaces:
            return False
        dimensions = self.schema(collection, spaces).dimensions
        return [check_space(space, dimensions, "The request") for space in spaces]

    def names(self) -> list[str]:
        """Names of the Collections, sorted."""
        told = self.ask("", lambda client, _: client.get_collections())
        return sorted(one.name for one in told.collections)

    def aliases(self) -> dict[str, str]:
        """Alias to Collection, in the order of the aliases."""
        told = self.ask("", lambda client, _: client.get_aliases())
        return dict(sorted((one.alias_name, one.collection_name) for one in told.aliases))

    def set_alias(self, alias: str, collection: str) -> None:
        """Make the alias lead to the Collection, in one step wherever it led before."""
        check_alias(alias, collection, self.aliases(), self.names())
        # Nothing is deleted first: the server carries out a request's actions one by one, and if
        # the Collection is gone by now the alias is to lead where it led.
        new = models.CreateAlias(collection_name=collection, alias_name=alias)
        self._change_aliases(collection, models.CreateAliasOperation(create_alias=new))

    def drop_alias(self, alias: str) -> bool:
        """Forget the alias; False if there was none."""
        if alias not in self.aliases():
            return False
        old = models.DeleteAlias(alias_name=alias)
        self._change_aliases(alias, models.DeleteAliasOperation(delete_alias=old))
        return True

    def _change_aliases(self, collection: str, action: models.AliasOperations) -> None:
        self.ask(collection, lambda client, _: client.update_collection_aliases([action]))

    def check_new(self, collection: str) -> None:
        """Raise `CollectionExists` if there is one of that name, or an alias."""
        check_unused(check_collection_name(collection), self.aliases())
        if self.ask(collection, QdrantClient.collection_exists):
            raise CollectionExists(
                f"There is a Collection {collection!r} already; choose another name.",
                collection=collection,
            )

    def create(self, collection: str, dimensions: Mapping[str, int]) -> None:
        """Make an empty Collection with the ledger's fields indexed."""
        self.check_new(collection)
        with self.use(collection) as client:
            client.create_collection(collection, **layout(self.options, dimensions))
        for field, type in LEDGER_FIELDS.items():
            self.index(collection, field, type)

    def index(self, collection: str, path: str, type: FieldType) -> None:
        """Make an index, in place of any other that the field has."""
        self.ask(collection, QdrantClient.create_payload_index, path, SCHEMAS[type])
        self._schemas.clear()

    def expect_vectors(self, collection: str, waiting: int) -> None:
        """Set the size, in kB, from which a segment gets an index: none while very many wait."""
        before = self.schema(collection).indexing_threshold
        wanted = indexing_threshold(waiting, before)
        if wanted == before:
            return
        diff = models.OptimizersConfigDiff(indexing_threshold=wanted)
        self.ask(collection, QdrantClient.update_collection, optimizers_config=diff)
        self._schemas.clear()

    def add_space(self, collection: str, space: Space) -> None:
        """Make one more vector field; the server takes the same one twice."""
        dense = models.DenseVectorConfig(size=space.dimension, distance=models.Distance.COSINE)
        config = models.DenseVectorNameConfig(dense=dense)
        placed = placement(self.options, [space.name])
        self.ask(collection, QdrantClient.create_vector_name, space.name, config)
        self.ask(collection, QdrantClient.update_collection, vectors_config=placed)
        self._schemas.clear()

    def drop_space(self, collection: str, space: str) -> bool:
        """Remove a vector field; False if there was none."""
        if space not in self.read_schema(collection).dimensions:
            return False
        self.ask(collection, QdrantClient.delete_vector_name, space)
        self._schemas.clear()
        return True

    def drop(self, collection: str) -> None:
        """Remove the Collection; the server removes its aliases."""
        check_own_name(check_collection_name(collection), self.aliases())
        with self.use(collection) as client:
            if not client.delete_collection(collection):
                raise CollectionNotFound(
                    f"There is no Collection {collection!r}; see the list of Collections.",
                    collection=collection,
                )
        self._schemas.clear()
        self._complete.discard(collection)

    def close(self) -> None:
        """Let the connection go; idempotent."""
        if not self._closed:
            self._closed = True
            self._client.close()
