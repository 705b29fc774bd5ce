"""Servers, Redis and worker processes: whatever is killed or forgets, the books balance."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from api.client import Client, connect
from indexer import collections
from indexer.build import open_engine
from indexer.filters import Exists
from indexer.ledger import assets_where, scroll_all
from indexer.ports import Vectors, VectorStore
from indexer.settings import Settings
from tests.installation import Installation, installed, killed, pictures
from tests.services import until

pytestmark = pytest.mark.services

PICTURES = 800


@pytest.fixture
def place(new_folder: Path) -> Iterator[Installation]:
    with installed(new_folder) as installation:
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


def owned(place: Installation, collection: str) -> list[str]:
    """Ids of assets that some worker has in hand."""
    with closing(open_engine(place.settings)) as engine:
        held = assets_where(Exists("lease.owner"))
        return [point.id for point in scroll_all(engine.store, collection, held)]


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
        source = found["hits"][0]["source"]
        assert source is not None
        assert source["path"].endswith("00042.png")
    check_vectors(place, "things", photos)


def test_workers_that_are_killed_lose_nothing(place: Installation) -> None:
    photos = pictures(place.folder / "photos", PICTURES)
    with connect(place.settings) as client:
        client.index(photos, "things")
        for share in (0.1, 0.3, 0.5):
            worker = place.start_worker()
            enough = share * PICTURES
            until(lambda: client.totals("things")["indexed"] > enough, place.log())  # noqa: B023
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


@pytest.mark.parametrize("append_only", [False, True], ids=["forgetful", "append-only"])
def test_a_redis_that_is_away_for_a_while_loses_nothing(
    new_folder: Path, append_only: bool
) -> None:
    with installed(new_folder, append_only=append_only) as place:
        _while_redis_is_away(place)


def _while_redis_is_away(place: Installation) -> None:
    photos = pictures(place.folder / "photos", PICTURES)
    with connect(place.settings) as client:
        place.start_worker()
        client.index(photos, "things")
        until(lambda: client.totals("things")["indexed"] > 0, place.log())
        place.redis.interrupt()
        sent = client.upload({"note.png": (photos / "00001.png").read_bytes()}, "sent")
        assert sent["files"][0]["status"] == "pending", "taken, though nobody can work on it yet"
        place.redis.resume()
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
        time.sleep(12)
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
        assert owned(place, "things") == [], "nothing is left half done"
        place.start_worker()
        until(lambda: settled(client, "things"), place.log())
        check_books(client, "things", PICTURES)
        assert "has let go" not in place.log()


def test_a_server_that_is_killed_is_followed_by_another(place: Installation) -> None:
    photos = pictures(place.folder / "photos", PICTURES)
    with closing(place.start_server()) as first:
        first.index(photos, "things")
        until(lambda: first.totals("things")["found"] > 0, place.log())
        place.kill_server()
    with connect(place.settings) as second:
        assert second.jobs("things")[0]["state"] == "reading"
        place.start_worker()
        until(lambda: settled(second, "things"), place.log())
        check_books(second, "things", PICTURES)
        assert [job["state"] for job in second.jobs("things")] == ["done"]


@contextmanager
def deadly_workers(place: Installation) -> Iterator[None]:
    """Workers that end at a black picture, each followed by another, as a supervisor does it."""
    closing = threading.Event()

    def supervise() -> None:
        while not closing.is_set():
            worker = place.start_worker(module="tests.deadly_worker")
            while worker.poll() is None and not closing.wait(0.05):
                pass

    thread = threading.Thread(target=supervise)
    thread.start()
    try:
        yield
    finally:
        closing.set()
        thread.join()


@pytest.mark.slow
def test_what_kills_its_workers_ends_alone_and_the_rest_is_indexed(place: Installation) -> None:
    photos = pictures(place.folder / "photos", 70)
    PIL.Image.new("RGB", (24, 24), (0, 0, 0)).save(photos / "black.png")
    with connect(place.settings) as client, deadly_workers(place):
        client.index(photos, "things")
        until(lambda: settled(client, "things"), place.log())
        check_books(client, "things", 70, failed=1)
        (failure,) = client.failures("things")
        assert failure["path"].endswith("black.png")
        assert failure["code"] == "worker_lost"


@pytest.mark.slow
def test_what_never_ends_is_given_up(new_folder: Path) -> None:
    with installed(new_folder, batch_seconds=3) as place:
        photos = pictures(place.folder / "photos", 3)
        PIL.Image.new("RGB", (24, 24), (255, 255, 255)).save(photos / "white.png")
        with connect(place.settings) as client, deadly_workers(place):
            client.index(photos, "things")
            until(lambda: settled(client, "things"), place.log())
            check_books(client, "things", 3, failed=1)
        assert "SEMBLANCE_BATCH_SECONDS" in place.log()


@pytest.mark.slow
def test_a_worker_that_is_told_to_end_at_once_leaves_what_it_has_to_others(
    place: Installation,
) -> None:
    photos = pictures(place.folder / "photos", 3)
    PIL.Image.new("RGB", (24, 24), (255, 255, 255)).save(photos / "white.png")
    with connect(place.settings) as client:
        client.index(photos, "things")
        worker = place.start_worker(module="tests.deadly_worker")
        until(lambda: [told["in_hand"] for told in client.workers()] == [4], place.log())
        worker.send_signal(signal.SIGQUIT)
        assert worker.wait(30) == 130
        place.start_worker()
        until(lambda: settled(client, "things"), place.log())
        check_books(client, "things", 4)
        assert "has let go" not in place.log(), "it said what it left: that counts as no loss"


def test_workers_are_told_while_they_live(place: Installation) -> None:
    with connect(place.settings) as client:
        assert client.workers() == []
        worker = place.start_worker("--queue", "images")
        until(lambda: len(client.workers()) == 1, place.log())
        (told,) = client.workers()
        assert f"/{worker.pid}-" in told["name"]
        assert told["queues"] == ["images"]
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
        assert client.workers() == []


@pytest.mark.slow
def test_workers_fill_another_space_while_the_first_answers_and_it_is_switched_to(
    new_folder: Path,
) -> None:
    with installed(new_folder, model="mini") as place:
        photos = pictures(place.folder / "photos", 40)
        (photos / "note.txt").write_text("A ship sails into the harbour at dawn.")
        place.start_worker()
        with connect(place.settings) as client:
            client.index(photos, "things")
            until(lambda: settled(client, "things"), place.log())
            check_books(client, "things", 41)
            hits = client.search("boats at the quay", collection="things", kind="text")["hits"]
            assert [hit["text"] for hit in hits] == ["A ship sails into the harbour at dawn."]
            client.add_space("pixels", "things")
            assert client.search("red", collection="things", limit=1)["hits"], "mini still answers"
            until(lambda: not client.space("pixels", "things")["waiting"], place.log())
            assert client.space("pixels", "things")["vectors"] == 40
            client.switch_space("pixels", "things")
            (hit,) = client.search(image=photos / "00007.png", collection="things", limit=1)["hits"]
            assert hit["score"] == pytest.approx(1, abs=1e-4)
            assert client.space("pixels", "things")["serves"] == ["image"]
            client.switch_back("things")
            assert client.space("pixels", "things")["serves"] == []
