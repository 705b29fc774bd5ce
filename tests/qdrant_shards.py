"""Collections as shards of qdrant-edge, under the names that qdrant-client gives its methods."""

from __future__ import annotations

import shutil
import tarfile
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import qdrant_edge as qe
from pydantic_core import to_json
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
from tests.qdrant_layout import change, told_info

Payload = bool | Sequence[str] | models.PayloadSelector
Vectors = bool | list[str]
Id = models.ExtendedPointId

_ASKED = "asked.json"


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

    def update_collection(self, collection: str, wanted: models.UpdateCollection) -> bool:
        """Note what is changed: how data is laid out, which here changes nothing."""
        change(self.made(collection).asked, wanted)
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
        return told_info(made.asked, made.shard.info())

    def update_collection_aliases(self, actions: Sequence[models.AliasOperations]) -> bool:
        """All of them or, if one is refused, none."""
        names = dict(self._aliases)
        for action in actions:
            match action:
                case models.CreateAliasOperation(create_alias=new):
                    if new.alias_name in self._made:
                        raise Refused(409, f"Wrong input: `{new.alias_name}` is a Collection")
                    self.made(new.collection_name)
                    names[new.alias_name] = new.collection_name
                case models.DeleteAliasOperation(delete_alias=old):
                    names.pop(old.alias_name, None)
                case models.RenameAliasOperation(rename_alias=other):
                    if other.old_alias_name not in names:
                        missing = other.old_alias_name
                        raise Refused(404, f"Not found: Alias `{missing}` doesn't exist!")
                    names[other.new_alias_name] = names.pop(other.old_alias_name)
        self._aliases = names
        return True

    def get_aliases(self) -> models.CollectionsAliasesResponse:
        described = [
            models.AliasDescription(alias_name=name, collection_name=of)
            for name, of in self._aliases.items()
        ]
        return models.CollectionsAliasesResponse(aliases=described)

    def get_collection_aliases(self, collection: str) -> models.CollectionsAliasesResponse:
        self.made(collection)
        every = self.get_aliases().aliases
        mine = [one for one in every if one.collection_name == collection]
        return models.CollectionsAliasesResponse(aliases=mine)

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

    def snapshot(self, collection: str) -> bytes:
        """The shard's files and how the Collection was asked for, in one archive."""
        made = self.made(collection)
        made.shard.flush()
        asked = to_json(made.asked)
        written = BytesIO()
        with tarfile.open(fileobj=written, mode="w") as archive:
            about = tarfile.TarInfo(_ASKED)
            about.size = len(asked)
            archive.addfile(about, BytesIO(asked))
            archive.add(made.folder, "shard")
        return written.getvalue()

    def recover(self, collection: str, snapshot: bytes) -> None:
        """Make the Collection anew from what `snapshot` has given."""
        folder = self._folder / uuid.uuid4().hex
        try:
            with tarfile.open(fileobj=BytesIO(snapshot)) as archive:
                archive.extractall(folder, filter="data")
            asked = models.CreateCollection.model_validate_json((folder / _ASKED).read_bytes())
        except (tarfile.TarError, OSError, ValueError) as error:
            raise Refused(400, f"Bad request: it is no snapshot: {error}") from error
        shard = qe.EdgeShard.load(str(folder / "shard"))
        if self.collection_exists(collection):
            self.delete_collection(collection)
        self._made[collection] = Made(asked, shard, folder)

    def close(self) -> None:
        """Let go of all shards and their files."""
        for made in self._made.values():
            made.shard.close()
        self._made.clear()
        shutil.rmtree(self._folder, ignore_errors=True)
