"""What only the server's store promises: a server that is away is an error that can be retried."""

from __future__ import annotations

import re
import socket
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from qdrant_client import QdrantClient, models

from indexer import backup
from indexer.domain import Kind, Point, Space
from indexer.errors import (
    CollectionNotFound,
    Conflict,
    DiskFull,
    InvalidInput,
    SemblanceError,
    StoreUnavailable,
)
from indexer.filters import Equals
from indexer.settings import Settings
from indexer.stores.ledger_fields import LEDGER_FIELDS
from indexer.stores.qdrant import QdrantStore, connect
from indexer.stores.qdrant_options import ServerOptions, options_from, search_params
from indexer.stores.qdrant_patience import PATIENCE_SECONDS
from tests.contract.conftest import SPACES
from tests.qdrant_stand_in import StandIn

A = str(uuid.UUID(int=1))


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_server_that_does_not_answer_is_unavailable(closed_port: int) -> None:
    store = connect(f"http://127.0.0.1:{closed_port}")
    with pytest.raises(StoreUnavailable, match="SEMBLANCE_QDRANT_URL"):
        store.collections()
    with pytest.raises(StoreUnavailable):
        store.count("photos")
    store.close()
    store.close()


def test_a_closed_store_raises() -> None:
    store = connect(":memory:")
    with pytest.raises(CollectionNotFound):
        store.count("photos")
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        store.collections()


def test_what_was_written_is_there_when_a_server_comes_back() -> None:
    with StandIn() as server:
        store = connect(server.url, grpc=False)
        store.create_collection("photos", SPACES)
        store.insert("photos", [Point(A, {"n": 1})])
        server.stop()
        with pytest.raises(StoreUnavailable, match="SEMBLANCE_QDRANT_URL"):
            store.count("photos")
        server.start()
        assert store.count("photos") == 1
        store.close()


def test_a_collection_from_before_a_ledger_field_gets_its_index_once() -> None:
    with StandIn() as server:
        older = QdrantClient(server.url, check_compatibility=False)
        older.create_collection("photos", {})
        older.create_payload_index("photos", "entry", models.PayloadSchemaType.KEYWORD)
        older.create_collection("others", {})
        store = connect(server.url, grpc=False)
        store.insert("photos", [Point(A, {"lease": {"owner": "one"}})])
        assert store.facet("photos", "lease.owner") == {"one": 1}
        assert store.count("others") == 0
        assert older.get_collection("photos").payload_schema.keys() == LEDGER_FIELDS.keys()
        assert older.get_collection("others").payload_schema == {}, "it is none of ours"
        made = sum(path.endswith("/index") for _, path in server.requests)
        assert made == len(LEDGER_FIELDS)
        store.close()
        older.close()


@pytest.fixture
def server() -> Iterator[StandIn]:
    with StandIn() as server:
        yield server


@pytest.fixture
def store(server: StandIn) -> Iterator[QdrantStore]:
    store = connect(server.url, grpc=False)
    store.create_collection("photos", SPACES)
    server.requests.clear()
    server.queries.clear()
    yield store
    store.close()


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(server: StandIn, store: QdrantStore, status: int) -> None:
    server.next_answers.extend([(status, "come back later")] * 2)
    store.insert("photos", [Point(A, {})])
    assert server.requests == [("PUT", "/collections/photos/points")] * 3
    assert store.count("photos") == 1


def test_patience_ends_and_the_answer_is_told(server: StandIn, store: QdrantStore) -> None:
    server.next_answers.extend([(503, "the disk is being changed")] * 100)
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match="the disk is being changed"):
        store.count("photos")
    assert time.monotonic() - began < PATIENCE_SECONDS + 5
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("status", "sentence", "error", "told"),
    [
        (400, "Bad request: it makes no sense", InvalidInput, "makes no sense"),
        (400, 'Limit exceeded 9 > 4 for "limit". Help: Reduce it.', InvalidInput, "strict mode"),
        (401, "Must provide an API key", StoreUnavailable, "SEMBLANCE_QDRANT_API_KEY"),
        (403, "Forbidden", StoreUnavailable, "SEMBLANCE_QDRANT_API_KEY"),
        (413, "Payload too large", InvalidInput, "too large"),
        (501, "Unknown call", StoreUnavailable, "1.18"),
        (400, "No space left on device", DiskFull, "Free some space"),
    ],
)
def test_what_will_not_pass_is_told_at_once(
    server: StandIn,
    store: QdrantStore,
    status: int,
    sentence: str,
    error: type[SemblanceError],
    told: str,
) -> None:
    server.next_answers.append((status, sentence))
    with pytest.raises(error, match=told):
        store.count("photos")
    assert len(server.requests) == 1


def test_a_server_that_is_too_old_is_told_its_version(server: StandIn) -> None:
    server.version = "1.16.3"
    store = connect(server.url, grpc=False)
    with pytest.raises(StoreUnavailable, match=re.escape("1.16.3; Semblance needs 1.18 or later")):
        store.create_collection("photos", SPACES)
    assert server.requests == [("GET", "/")], "nothing was asked that it would take amiss"
    server.version = "1.18.0-dev"  # it was upgraded
    store.create_collection("photos", SPACES)
    assert server.requests.count(("GET", "/")) == 2, "and is not asked any more"
    store.close()


def test_a_claim_is_ordered_among_copies(server: StandIn, store: QdrantStore) -> None:
    store.insert("photos", [Point(A, {})])
    store.set_payload("photos", {A: {"n": 1}})
    store.set_payload("photos", {A: {"n": 2}}, only=Equals("n", 1))
    asked = zip(server.requests, server.queries, strict=True)
    writes = [query for (_, path), query in asked if path.endswith("/points/batch")]
    assert ["ordering=strong" in query for query in writes] == [False, True]


CLUSTER = ServerOptions(
    shards=6,
    replicas=3,
    write_replicas=2,
    read_consistency="majority",
    vectors_on_disk=True,
    payload_on_disk=False,
    int8=True,
    oversampling=3.0,
    hnsw_m=24,
    hnsw_ef=200,
    strict=True,
)


def test_collections_are_laid_out_as_the_options_say(server: StandIn) -> None:
    store = connect(server.url, grpc=False, options=CLUSTER)
    store.create_collection("photos", SPACES)
    store.add_space("photos", Space("later", 2, "m", "f", frozenset({Kind.IMAGE})))
    client = QdrantClient(server.url, check_compatibility=False)
    config = client.get_collection("photos").config
    params = config.params
    assert (params.shard_number, params.replication_factor) == (6, 3)
    assert (params.write_consistency_factor, params.on_disk_payload) == (2, False)
    assert isinstance(params.vectors, dict)
    assert {name: one.on_disk for name, one in params.vectors.items()} == {
        "look": True,
        "words": True,
        "later": True,
    }
    assert isinstance(config.quantization_config, models.ScalarQuantization)
    assert config.quantization_config.scalar.always_ram
    assert config.hnsw_config.m == 24
    assert config.optimizer_config.indexing_threshold == 10_000
    assert config.strict_mode_config is not None
    assert config.strict_mode_config.enabled
    assert config.strict_mode_config.unindexed_filtering_retrieve
    server.queries.clear()
    assert store.get("photos", [A]) == []
    assert "consistency=majority" in server.queries[-1]
    client.close()
    store.close()


def test_the_options_come_from_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert options_from(Settings()) == ServerOptions()
    for name, value in asdict(CLUSTER).items():
        monkeypatch.setenv(f"SEMBLANCE_QDRANT_{name.upper()}", str(value))
    assert options_from(Settings()) == CLUSTER


def test_candidates_of_int8_are_compared_again_by_their_full_vectors() -> None:
    quantization = search_params(CLUSTER).quantization
    assert quantization is not None
    assert (quantization.rescore, quantization.oversampling) == (True, 3.0)
    assert search_params(ServerOptions()).quantization is None


def test_indexes_wait_while_very_much_is_to_come(server: StandIn, store: QdrantStore) -> None:
    client = QdrantClient(server.url, check_compatibility=False)

    def threshold() -> int | None:
        return client.get_collection("photos").config.optimizer_config.indexing_threshold

    told = []
    for waiting in (1_000, 199_999, 200_000, 150_000, 20_001, 20_000, 150_000):
        connect(server.url, grpc=False).expect_vectors("photos", waiting)  # a process each
        told.append(threshold())
    assert told == [10_000, 10_000, 0, 0, 0, 10_000, 10_000]

    server.requests.clear()
    store.expect_vectors("photos", 5)
    assert ("PATCH", "/collections/photos") not in server.requests, "it is as it should be"
    diff = models.OptimizersConfigDiff(indexing_threshold=77)
    client.update_collection("photos", optimizers_config=diff)
    connect(server.url, grpc=False).expect_vectors("photos", 10**9)
    assert threshold() == 77, "what somebody chose is left alone"
    client.close()


def test_what_lies_on_several_nodes_is_not_backed_up_by_halves(
    server: StandIn, store: QdrantStore, tmp_path: Path
) -> None:
    backup.save(store, "photos", tmp_path)
    assert server.engine.snapshots == {"photos": {}}, "it does not stay on the server's disk"
    server.engine.nodes = 3
    with pytest.raises(Conflict, match="2 of its shards lie on other nodes"):
        backup.save(store, "photos", tmp_path)
    store.drop_collection("photos")
    with pytest.raises(Conflict, match="one node of a cluster"):
        backup.load(store, "photos", tmp_path)
    server.engine.nodes = 1
    backup.load(store, "photos", tmp_path)
    assert store.collections() == ["photos"]


def test_a_server_that_goes_away_leaves_the_earlier_backup(
    server: StandIn, store: QdrantStore, tmp_path: Path
) -> None:
    made = backup.save(store, "photos", tmp_path)
    server.stop()
    with pytest.raises(StoreUnavailable, match="SEMBLANCE_QDRANT_URL"):
        backup.save(store, "photos", tmp_path)
    assert backup.listed(tmp_path) == [made]
    assert len(list(tmp_path.iterdir())) == 2
