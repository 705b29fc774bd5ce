"""The queue in a real Redis: what goes first, what waits, and what two reach for at once."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from celery.contrib.testing.worker import start_worker

from indexer import leases
from indexer.domain import Kind
from indexer.errors import InvalidInput, QueueUnavailable
from indexer.ledger import assets_where, scroll_all
from indexer.ports import Priority
from indexer.settings import Settings
from tests.fakes import ColourEmbedder, LosingQueue
from tests.lab import Lab, found_text, open_lab
from tests.services import RedisServer, redis_server, until
from worker.celery_app import make_app
from worker.celery_queue import CeleryQueue
from worker.custody import Custody
from worker.sweeping import MOST_LOSSES, sweep
from worker.tasks import add_tasks

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = redis_server(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def lab(new_folder: Path) -> Iterator[Lab]:
    yield from open_lab(new_folder, ColourEmbedder())


@pytest.fixture
def queue(lab: Lab, redis: RedisServer) -> Iterator[CeleryQueue]:
    redis.flush()
    opened = CeleryQueue(make_app(Settings(redis_url=redis.url)), lab.store, most_waiting=2)
    yield opened
    opened.close()


def texts(lab: Lab, count: int, word: str = "red") -> list[str]:
    """Ids of texts that are pending and that no queue knows of."""
    lost = LosingQueue()
    name = uuid.uuid4().hex
    lab.ingest(found_text(f"/{name}", *(f"{word} {name} {n}" for n in range(count))), queue=lost)
    return lost.lost


def test_a_celery_worker_indexes_what_was_ingested(lab: Lab, redis: RedisServer) -> None:
    redis.flush()
    app = make_app(Settings(redis_url=redis.url))
    queue = CeleryQueue(app, lab.store)
    lab.ingest(*(found_text(f"/{n}.txt", f"red {n}") for n in range(300)), queue=queue)
    assert lab.totals.pending == 300
    assert redis.waiting("texts:3") == 2, "256 and 44"
    custody = Custody(lab.store, 60)
    add_tasks(app, lab.indexer, custody)
    with start_worker(app, pool="solo", perform_ping_check=False):
        until(lambda: not lab.totals.pending, "the worker did nothing")
    queue.close()
    custody.close()
    assert lab.totals.indexed == 300
    left = [p.payload["lease"] for p in scroll_all(lab.store, "things", leases.abandoned())]
    assert left == []


def test_bulk_work_waits_while_the_queue_is_full_and_who_has_just_sent_something_does_not(
    lab: Lab, redis: RedisServer, queue: CeleryQueue
) -> None:
    first, second, third = texts(lab, 3)
    queue.enqueue("things", [first], Kind.TEXT, Priority.BULK)
    queue.enqueue("things", [second], Kind.TEXT, Priority.BULK)
    handed_over = threading.Event()

    def hand_over() -> None:
        queue.enqueue("things", [third], Kind.TEXT, Priority.BULK)
        handed_over.set()

    thread = threading.Thread(target=hand_over)
    thread.start()
    assert not handed_over.wait(1)
    queue.enqueue("things", texts(lab, 1), Kind.TEXT, Priority.INTERACTIVE)
    assert redis.waiting("texts") == 0, "there is no room: it is pending, and the sweep queues it"
    redis.flush()
    assert handed_over.wait(10)
    thread.join()


def test_a_full_queue_of_pictures_keeps_no_text_waiting(
    lab: Lab, redis: RedisServer, queue: CeleryQueue
) -> None:
    for id in texts(lab, 2):
        queue.enqueue("things", [id], Kind.IMAGE, Priority.FILL)
    assert not queue.has_room(Kind.IMAGE)
    assert queue.has_room(Kind.TEXT)
    assert redis.waiting("images:6") == 2


def test_what_a_person_sends_overtakes_what_is_read_in_bulk(lab: Lab, redis: RedisServer) -> None:
    redis.flush()
    app = make_app(Settings(redis_url=redis.url))
    queue = CeleryQueue(app, lab.store)
    ids = texts(lab, 3)
    for id, priority in zip(ids, (Priority.FILL, Priority.BULK, Priority.INTERACTIVE), strict=True):
        queue.enqueue("things", [id], Kind.TEXT, priority)
    custody = Custody(lab.store, 60)
    add_tasks(app, lab.indexer, custody)
    with start_worker(app, pool="solo", perform_ping_check=False):
        until(lambda: not lab.totals.pending, "the worker did nothing")
    queue.close()
    custody.close()
    points = {p.id: str(p.payload["indexed_at"]) for p in lab.store.get("things", ids)}
    assert sorted(ids, key=lambda id: points[id]) == [ids[2], ids[1], ids[0]]


def test_redis_out_of_reach_loses_nothing(lab: Lab, tmp_path: Path) -> None:
    app = make_app(Settings(redis_url=f"redis+socket://{tmp_path}/nobody.sock"))
    queue = CeleryQueue(app, lab.store, patience=0.1)
    with pytest.raises(QueueUnavailable, match="pending"):
        lab.ingest(found_text("/a.txt", "red"), queue=queue)
    assert lab.totals.pending == 1
    (point,) = scroll_all(lab.store, "things", assets_where())
    assert "lease" not in point.payload, "it is in nobody's hands: the next sweep queues it"


def test_workers_that_reach_for_the_same_assets_share_them(lab: Lab) -> None:
    ids = texts(lab, 200)
    custody = Custody(lab.store, 60)
    barrier = threading.Barrier(4)

    def take() -> list[str]:
        barrier.wait()
        with custody.of("things", ids) as mine:
            barrier.wait()
            return mine

    with ThreadPoolExecutor(4) as pool:
        taken = [id for future in [pool.submit(take) for _ in range(4)] for id in future.result()]
    custody.close()
    assert sorted(taken) == sorted(ids), "each once"


def test_a_sweep_queues_what_a_forgetful_redis_had_and_nothing_twice(
    lab: Lab, redis: RedisServer
) -> None:
    redis.flush()
    queue = CeleryQueue(make_app(Settings(redis_url=redis.url)), lab.store)
    ids = texts(lab, 10)
    queue.send("things", ids, Kind.TEXT, Priority.BULK)
    assert sweep(lab.indexer, queue, "things") == 0
    redis.flush()
    swept = 0
    while not swept:  # what was written within seconds is left to whoever wrote it
        swept = sweep(lab.indexer, queue, "things")
    assert swept == 10
    assert sweep(lab.indexer, queue, "things") == 0
    assert redis.waiting("texts:3") == 1
    queue.close()


def test_a_batch_that_ends_its_workers_is_cut_until_the_culprit_is_alone(
    lab: Lab, redis: RedisServer
) -> None:
    redis.flush()
    queue = CeleryQueue(make_app(Settings(redis_url=redis.url)), lab.store)
    ids = texts(lab, 70)
    sizes = []
    for _ in range(MOST_LOSSES):
        leases.take(lab.store, "things", ids, "a worker that dies", seconds=-1)
        sweep(lab.indexer, queue, "things")
        sizes.append(redis.waiting("texts:3"))
        redis.flush()
    assert sizes == [2, 5, 18, 70, 70, 0], "in messages of 64, 16, 4, 1 and 1; then it fails"
    assert lab.totals.reasons == {"failed": {"worker_lost": 70}}
    queue.close()


def test_a_lease_is_renewed_while_the_work_goes_on(lab: Lab) -> None:
    (id,) = texts(lab, 1)
    custody = Custody(lab.store, seconds=0.4)
    with custody.of("things", [id]):
        threading.Event().wait(1.2)
        assert leases.take(lab.store, "things", [id], "another", 60) == []
    assert leases.take(lab.store, "things", [id], "another", 60) == [id]
    custody.close()


def test_a_job_is_tried_again_when_its_model_is_back(lab: Lab, redis: RedisServer) -> None:
    redis.flush()
    app = make_app(Settings(redis_url=redis.url))
    queue = CeleryQueue(app, lab.store)
    custody = Custody(lab.store, 60)
    add_tasks(app, lab.indexer, custody)
    lab.embedders.broken = True
    queue.send("things", texts(lab, 1), Kind.TEXT, Priority.BULK)
    with start_worker(app, pool="solo", perform_ping_check=False):
        threading.Event().wait(1)
        assert lab.totals.pending == 1
        lab.embedders.broken = False
        until(lambda: not lab.totals.pending, "it was not tried again")
    queue.close()
    custody.close()
    assert lab.totals.indexed == 1


def test_redis_alone_is_refused_with_the_reason() -> None:
    with pytest.raises(InvalidInput, match="SEMBLANCE_QDRANT_URL"):
        Settings(redis_url="redis://localhost").check_scaled_out()
    with pytest.raises(InvalidInput, match="SEMBLANCE_REDIS_URL"):
        Settings(qdrant_url="http://localhost:6333").check_scaled_out()
