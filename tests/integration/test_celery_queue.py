"""The queue in a real Redis: what goes first, what waits, and what two reach for at once."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from celery.contrib.testing.worker import start_worker
from redis import Redis

from indexer import leases
from indexer.domain import Kind, Payload
from indexer.errors import InvalidInput, QueueUnavailable, StoreUnavailable
from indexer.filters import Exists
from indexer.ledger import assets_where, scroll_all
from indexer.ports import Embedder, Priority
from indexer.settings import Settings
from tests.fakes import ColourEmbedder, LosingQueue
from tests.lab import Lab, found_text, open_lab
from tests.services import RedisServer, redis_server, until
from worker.celery_app import make_app
from worker.celery_queue import QUEUE_LEASE_SECONDS, CeleryQueue
from worker.custody import Custody
from worker.stopping import Stop
from worker.suspects import MOST_LOSSES
from worker.sweeping import sweep
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
    add_tasks(app, lab.indexer, custody, Stop())
    with start_worker(app, pool="solo", perform_ping_check=False):
        until(lambda: not lab.totals.pending, "the worker did nothing")
    queue.close()
    custody.close()
    assert lab.totals.indexed == 300
    left = list(scroll_all(lab.store, "things", assets_where(Exists("lease"))))
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
    assert redis.waiting("texts") == 1, "it does not wait behind what is less urgent"
    for id in texts(lab, 3):
        queue.enqueue("things", [id], Kind.TEXT, Priority.INTERACTIVE)
    assert redis.waiting("texts") == 2, "of too many the rest is pending, for a sweep to queue"
    redis.flush()
    assert handed_over.wait(10)
    thread.join()


def test_a_full_queue_of_pictures_keeps_no_text_waiting(
    lab: Lab, redis: RedisServer, queue: CeleryQueue
) -> None:
    for id in texts(lab, 2):
        queue.enqueue("things", [id], Kind.IMAGE, Priority.FILL)
    assert not queue.has_room(Kind.IMAGE, Priority.FILL)
    assert queue.has_room(Kind.IMAGE, Priority.BULK), "it goes before what fills a space"
    assert queue.has_room(Kind.TEXT, Priority.FILL)
    assert redis.waiting("images:6") == 2


def test_what_a_person_sends_overtakes_what_is_read_in_bulk(lab: Lab, redis: RedisServer) -> None:
    redis.flush()
    app = make_app(Settings(redis_url=redis.url))
    queue = CeleryQueue(app, lab.store)
    ids = texts(lab, 3)
    for id, priority in zip(ids, (Priority.FILL, Priority.BULK, Priority.INTERACTIVE), strict=True):
        queue.enqueue("things", [id], Kind.TEXT, priority)
    custody = Custody(lab.store, 60)
    add_tasks(app, lab.indexer, custody, Stop())
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
    texts(lab, 10)
    swept = 0
    while swept < 10:  # what was written within seconds is left to whoever wrote it
        swept += sweep(lab.indexer, queue, "things")
    assert swept == 10
    assert sweep(lab.indexer, queue, "things") == 0
    redis.flush()
    assert sweep(lab.indexer, queue, "things") == 10
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
        leases.take(lab.store, "things", ids, "elsewhere/1/a", seconds=-1)
        sweep(lab.indexer, queue, "things")
        sizes.append(redis.waiting("texts:3"))
        redis.flush()
    assert sizes == [2, 5, 18, 70, 70, 0], "in messages of 64, 16, 4, 1 and 1; then it fails"
    assert lab.totals.reasons == {"failed": {"worker_lost": 70}}
    queue.close()


def test_what_a_living_worker_let_go_of_is_no_loss(lab: Lab, redis: RedisServer) -> None:
    redis.flush()
    queue = CeleryQueue(make_app(Settings(redis_url=redis.url)), lab.store)
    ids = texts(lab, 70)
    queue.broker.announce("elsewhere/1", json.dumps({"name": "elsewhere/1"}), 60)
    leases.take(lab.store, "things", ids, "elsewhere/1/a", seconds=-1)
    assert sweep(lab.indexer, queue, "things") == 70
    assert redis.waiting("texts:3") == 1, "in one message, as before"
    queue.close()


def test_a_message_that_went_astray_is_sent_again_when_its_queue_is_empty(
    lab: Lab, redis: RedisServer
) -> None:
    redis.flush()
    queue = CeleryQueue(make_app(Settings(redis_url=redis.url)), lab.store)
    lost, waiting = texts(lab, 5), texts(lab, 5)
    granted_long_ago = QUEUE_LEASE_SECONDS - 3600
    leases.hand_to_queue(lab.store, "things", lost, queue.broker.identity(), granted_long_ago)
    threading.Event().wait(5.1)
    queue.send("things", waiting, Kind.TEXT, Priority.BULK)
    assert sweep(lab.indexer, queue, "things") == 0, "something waits: it may be that"
    with Redis.from_url(redis.url) as client:
        client.delete("texts:3")
    assert sweep(lab.indexer, queue, "things") == 5
    queue.close()


def test_an_outage_longer_than_any_number_of_tries_uses_up_none(
    lab: Lab, redis: RedisServer
) -> None:
    tried = 0

    class Away:
        def get(self, name: str) -> Embedder:
            nonlocal tried
            tried += 1
            if tried <= 3:
                raise StoreUnavailable("The store does not answer.")
            return lab.embedder

    redis.flush()
    app = make_app(Settings(redis_url=redis.url))
    queue = CeleryQueue(app, lab.store)
    custody = Custody(lab.store, 60)
    stop = Stop()
    add_tasks(app, replace(lab.indexer, embedders=Away()), custody, stop)
    queue.send("things", texts(lab, 1), Kind.TEXT, Priority.BULK)
    with start_worker(app, pool="solo", perform_ping_check=False):
        until(lambda: tried == 2, "it was not tried again")
        threading.Event().wait(0.3)
        assert not stop.is_idle, "who waits for the store is no worker that is deaf"
        until(lambda: not lab.totals.pending, "it was given up")
    assert tried > 3
    assert redis.waiting("texts", "texts:3", "texts:6") == 0, "and it made no further message"
    queue.close()
    custody.close()


def test_a_suspect_is_worked_on_with_nothing_else_in_the_process(lab: Lab) -> None:
    suspect, other = texts(lab, 2)
    lab.store.set_payload("things", {suspect: {"lost": 4}})
    custody = Custody(lab.store, 60)
    order: list[str] = []
    begun, end = threading.Event(), threading.Event()

    def work(id: str, name: str) -> None:
        with custody.of("things", [id]):
            order.append(f"{name} begins")
            begun.set()
            end.wait(10)
            order.append(f"{name} ends")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(work, other, "other")
        begun.wait(10)
        second = pool.submit(work, suspect, "suspect")
        threading.Event().wait(0.5)
        assert order == ["other begins"]
        end.set()
        first.result()
        second.result()
    custody.close()
    assert order == ["other begins", "other ends", "suspect begins", "suspect ends"]


def test_a_batch_larger_than_its_losses_allow_is_left_to_a_sweep(lab: Lab) -> None:
    ids = texts(lab, 40)
    lost_twice: Payload = {"lost": 2}
    lab.store.set_payload("things", dict.fromkeys(ids, lost_twice))
    custody = Custody(lab.store, 60)
    with custody.of("things", ids) as mine:
        assert mine == []
    with custody.of("things", ids[:16]) as mine:
        assert sorted(mine) == sorted(ids[:16])
    custody.close()


def test_a_lease_is_renewed_while_the_work_goes_on(lab: Lab) -> None:
    (id,) = texts(lab, 1)
    custody = Custody(lab.store, seconds=0.4)
    with custody.of("things", [id]):
        threading.Event().wait(1.2)
        assert leases.take(lab.store, "things", [id], "another", 60) == {}
    assert leases.take(lab.store, "things", [id], "another", 60) == {id: 0}
    custody.close()


def test_a_job_is_tried_again_when_its_model_is_back(lab: Lab, redis: RedisServer) -> None:
    redis.flush()
    app = make_app(Settings(redis_url=redis.url))
    queue = CeleryQueue(app, lab.store)
    custody = Custody(lab.store, 60)
    add_tasks(app, lab.indexer, custody, Stop())
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
