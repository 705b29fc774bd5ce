"""What only the server's store promises: a server that is away is an error that can be retried."""

from __future__ import annotations

import socket

import pytest

from indexer.errors import CollectionNotFound, StoreUnavailable
from indexer.stores.qdrant import connect


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
