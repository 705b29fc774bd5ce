"""Servers, Redis and worker processes: whatever is killed or forgets, the books balance."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from api.client import Client, connect
from indexer import collections
from indexer.build import open_engine
from indexer.ledger import assets_where, scroll_all
from indexer.ports import Vectors, VectorStore
from indexer.settings import Settings
from tests.installation import Installation, installed, killed, pictures, redis_is_missing, until

pytestmark = pytest.mark.services

PICTURES = 600


@pytest.fixture
def folder(fast_folder: Path) -> Path:
    if reason := redis_is_missing():
        if os.environ.get("SEMBLANCE_REQUIRE_SERVICES") == "1":
            pytest.fail(f"required here: {reason}")
        pytest.skip(f"SCALING OUT IS NOT TESTED: {reason}")
    return fast_folder / uuid.uuid4().hex


@pytest.fixture
def place(folder: Path) -> Iterator[Installation]:
    with installed(folder) as installation:
        yield installation


def settled(client: Client, collection: str) -> bool:
    jobs = client.jobs(collection)
    reading = any(job["state"] == "reading" for job in jobs)
    totals = client.totals(collection)
    return bool(totals["found"]) and not reading and not totals["pending"]


def check_books(client: Client, collection: str, indexed: int, failed: int = 0) -> None:
    totals = client.totals(collection)
    assert (totals["found"], totals["indexed"], totals["failed"]) == (
        indexed + failed,
        indexed,
        failed,
    ), totals


def check_vectors(place: Installation, collection: str, photos: Path) -> None:
    """The ids and vectors are those of a clean run inside one process."""
    clean = Settings(data=place.folder / "clean", compile=False, model="pixels")
    with connect(clean) as client:
        client.wait(client.index(photos, collection))
        until(lambda: settled(client, collection), "the clean run did not end")
    engine = open_engine(clean)
    expected = vectors_of(engine.store, collection)
    engine.close()
    shared = open_engine(place.settings)
    found = vectors_of(shared.store, collection)
    shared.close()
    assert found.keys() == expected.keys()
    for id, vector in expected.items():
        np.testing.assert_allclose(found[id], vector, atol=1e-6)


def vectors_of(store: VectorStore, collection: str) -> dict[str, Vectors]:
    (space,) = collections.get(store, collection).spaces
    points = scroll_all(store, collection, assets_where(), fields=("kind",), spaces=(space.name,))
    return {p.id: p.vectors[space.name] for p in points if p.vectors}


def test_workers_index_what_a_server_reads(place: Installation) -> None:
    photos = pictures(place.folder / "photos", 300)
    (photos / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    with connect(place.settings) as client:
        client.index(photos, "things")
        place.start_worker()
        place.start_worker()
        until(lambda: settled(client, "things"), place.log())
        check_books(client, "things", 300, failed=1)
        found = client.search(image=photos / "00042.png", collection="things", limit=1)
        assert found["hits"][0]["source"]["path"].endswith("00042.png")
    check_vectors(place, "things", photos)


def test_workers_that_are_killed_lose_nothing(place: Installation) -> None:
    photos = pictures(place.folder / "photos", PICTURES)
    with connect(place.settings) as client:
        client.index(photos, "things")
        for share in (0.1, 0.3, 0.5):
            worker = place.start_worker()
            until(
                lambda share=share: client.totals("things")["indexed"] > share * PICTURES,
                place.log(),
            )
            killed(worker)
        place.start_worker()
        until(lambda: settled(client, "things"), place.log())
        check_books(client, "things", PICTURES)
    check_vectors(place, "things", photos)


def test_a_redis_that_forgets_everything_in_the_middle_loses_nothing(place: Installation) -> None:
    photos = pictures(place.folder / "photos", PICTURES)
    with connect(place.settings) as client:
        client.index(photos, "things")
        until(lambda: client.totals("things")["pending"] > PICTURES // 2, "nothing was read")
        place.redis.flush()
        place.start_worker()
        until(lambda: client.totals("things")["indexed"] > 0, place.log())
        place.redis.flush()
        until(lambda: settled(client, "things"), place.log())
        check_books(client, "things", PICTURES)


def test_a_redis_that_is_away_for_a_while_loses_nothing(place: Installation) -> None:
    photos = pictures(place.folder / "photos", PICTURES)
    with connect(place.settings) as client:
        place.start_worker()
        client.index(photos, "things")
        until(lambda: client.totals("things")["indexed"] > 0, place.log())
        place.redis.stop()
        sent = client.upload({"note.png": (photos / "00001.png").read_bytes()}, "sent")
        assert sent["files"][0]["status"] == "pending", "taken, though nobody can work on it yet"
        place.redis.start()
        until(lambda: settled(client, "things") and settled(client, "sent"), place.log())
        check_books(client, "things", PICTURES)
        check_books(client, "sent", 1)


def test_a_store_that_refuses_for_a_while_loses_nothing(place: Installation) -> None:
    if place.qdrant is None:
        pytest.skip("A Qdrant server that was named by its URL is not ours to stop.")
    photos = pictures(place.folder / "photos", PICTURES)
    with connect(place.settings) as client:
        place.start_worker()
        client.index(photos, "things")
        until(lambda: client.totals("things")["indexed"] > 0, place.log())
        place.qdrant.stop()
        killed(place.workers[0])
        place.start_worker()
        place.qdrant.start()
        until(lambda: settled(client, "things"), place.log())
        check_books(client, "things", PICTURES)
    check_vectors(place, "things", photos)


def test_a_worker_that_is_asked_to_end_finishes_what_it_has(place: Installation) -> None:
    photos = pictures(place.folder / "photos", PICTURES)
    with connect(place.settings) as client:
        client.index(photos, "things")
        worker = place.start_worker()
        until(lambda: client.totals("things")["indexed"] > 0, place.log())
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0
        assert 0 < client.totals("things")["pending"] < PICTURES
        place.start_worker()
        until(lambda: settled(client, "things"), place.log())
        check_books(client, "things", PICTURES)
