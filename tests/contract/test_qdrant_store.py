"""What only the server's store promises: a server that is away is an error that can be retried."""

from __future__ import annotations

import socket
import uuid

import pytest
from qdrant_client import QdrantClient, models

from indexer.domain import Point
from indexer.errors import CollectionNotFound, StoreUnavailable
from indexer.stores.ledger_fields import LEDGER_FIELDS
from indexer.stores.qdrant import connect
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
        older = QdrantClient(server.url)
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
