"""Whatever stops the reading of a job is noted in it, or it starts again at the next start."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from api import reading as module
from api.reading import AT_ONCE, Reading
from indexer import cancelling, jobs, leases
from indexer.adding import Upload, add_uploads
from indexer.build import Engine
from indexer.content import in_memory
from indexer.domain import Kind
from indexer.errors import StoreUnavailable
from indexer.jobs import Job, JobState, Request, Tally
from indexer.ports import JobQueue, Priority
from indexer.retrying import retry_job
from tests.integration.conftest import Live
from worker.custody import Custody
from worker.queue import Worker


class NoQueue:
    """Takes everything and does nothing; whoever hands something over waits until it is `open`."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.taken = 0

    def enqueue(self, collection: str, ids: Sequence[str], kind: Kind, priority: Priority) -> None:
        self.taken += 1
        self.open.wait(30)

    def take_up(self, collection: str) -> None:
        return None

    def workers(self) -> list[Worker]:
        return []

    def close(self) -> None:
        return None


@pytest.fixture
def custody(live: Live) -> Iterator[Custody]:
    """Leases as a server has them that shares the store with others."""
    custody = Custody(live.engine.store, seconds=60)
    yield custody
    custody.close()


def until(fulfilled: Callable[[], bool]) -> None:
    for _ in range(400):
        if fulfilled():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come to that")


def ended(reading: Reading) -> None:
    for _ in range(200):
        if not reading.active:
            return
        time.sleep(0.05)
    raise AssertionError("still reading")


@pytest.mark.parametrize(
    ("error", "code"),
    [(RuntimeError("a bug"), "internal"), (StoreUnavailable("gone"), "store_unavailable")],
)
def test_what_stops_a_job_is_noted_in_it(
    live: Live, collection: str, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    def fail(engine: Engine, queue: JobQueue, job: Job) -> None:
        raise error

    monkeypatch.setattr(module, "index_location", fail)
    store = live.engine.store
    job = jobs.start(store, collection, Request("/nowhere"))
    reading = Reading(live.engine, NoQueue())
    reading.start(job)
    ended(reading)
    progress = jobs.progress(store, jobs.get(store, collection, job.id))
    assert progress.state is JobState.FAILED
    assert progress.job.error is not None
    assert progress.job.error.code == code


def test_what_is_cut_off_by_the_end_is_read_at_the_next_start(
    live: Live, collection: str, tmp_path: Path
) -> None:
    (tmp_path / "note.txt").write_text("A note about the sea.")
    store = live.engine.store
    job = jobs.start(store, collection, Request(str(tmp_path)))
    first = Reading(live.engine, NoQueue())
    first.stop()
    first.start(job)
    first.wait()
    assert jobs.unfinished(store, collection) == [job]
    second = Reading(live.engine, NoQueue())
    second.resume()
    ended(second)
    assert jobs.unfinished(store, collection) == []
    assert jobs.progress(store, jobs.get(store, collection, job.id)).totals.found == 1


def folders(live: Live, collection: str, place: Path, count: int) -> list[Job]:
    """Jobs of as many folders, each with a note in it."""
    found = []
    for number in range(count):
        folder = place / str(number)
        folder.mkdir()
        (folder / "note.txt").write_text(f"Note {number} about the sea.")
        found.append(jobs.start(live.engine.store, collection, Request(str(folder))))
    return found


def reading_threads() -> int:
    return sum(thread.name == "read" for thread in threading.enumerate())


def test_a_job_that_waits_for_its_turn_is_left_alone(
    live: Live, collection: str, tmp_path: Path, custody: Custody
) -> None:
    store, queue = live.engine.store, NoQueue()
    queue.open.clear()
    reading = Reading(live.engine, queue, custody)
    *first, waiting = folders(live, collection, tmp_path, AT_ONCE + 1)
    for job in (*first, waiting):
        reading.start(job)
    until(lambda: queue.taken == AT_ONCE)
    # Other servers see that somebody will read it, and here it is not begun again.
    until(lambda: jobs.unfinished(store, collection, leases.free()) == [])
    reading.start(waiting)
    assert reading_threads() == AT_ONCE + 1
    queue.open.set()
    ended(reading)
    assert jobs.unfinished(store, collection) == []
    for job in (*first, waiting):
        assert jobs.get(store, collection, job.id).tally.documents == 1


@pytest.mark.parametrize("by", [jobs.finish, cancelling.cancel], ids=["finished", "cancelled"])
def test_a_job_that_ended_before_its_turn_is_not_read(
    live: Live, collection: str, tmp_path: Path, by: Callable[..., object]
) -> None:
    (job,) = folders(live, collection, tmp_path, 1)
    store = live.engine.store
    by(store, replace(job, tally=Tally(documents=7)))
    reading = Reading(live.engine, NoQueue())
    reading.start(job)  # as it was when somebody listed it
    ended(reading)
    progress = jobs.progress(store, jobs.get(store, collection, job.id))
    assert progress.totals.found == 0
    assert progress.state in (JobState.DONE, JobState.CANCELLED)


def test_a_job_opened_anew_while_its_reading_ends_is_read_on(
    live: Live, collection: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, reading = live.engine.store, Reading(live.engine, NoQueue())
    (job,) = folders(live, collection, tmp_path, 1)
    read: list[Job] = []

    def as_told(engine: Engine, queue: JobQueue, told: Job) -> None:
        read.append(told)
        if len(read) == 2:
            jobs.finish(store, told)
            return
        again = retry_job(store, cancelling.cancel(store, told))
        reading.start(again.job)  # while this reading is still about to end

    monkeypatch.setattr(module, "index_location", as_told)
    reading.start(job)
    ended(reading)
    assert [one.retried_at is None for one in read] == [True, False]


def long_ago(live: Live, collection: str, job: Job) -> Job:
    created: dict[str, object] = {"created_at": leases.moment(-61)}
    live.engine.store.set_payload(collection, {job.id: created})
    return job


def test_an_upload_that_a_server_left_in_its_middle_is_ended(
    live: Live, collection: str, custody: Custody
) -> None:
    store = live.engine.store
    left = long_ago(live, collection, jobs.start(store, collection))
    held = long_ago(live, collection, jobs.start(store, collection))
    fresh = jobs.start(store, collection)
    reading = Reading(live.engine, NoQueue(), custody)
    with custody.of(collection, [held.id]):
        reading.resume()
        until(lambda: jobs.get(store, collection, left.id).finished_at is not None)
        ended(reading)
        reading.stop()
    told = jobs.progress(store, jobs.get(store, collection, left.id))
    assert told.state is JobState.FAILED
    assert told.job.error is not None
    assert "send the files again" in told.job.error.message
    assert {job.id for job in jobs.unfinished(store, collection)} == {held.id, fresh.id}


def test_the_only_server_ends_all_uploads_of_the_one_before(live: Live, collection: str) -> None:
    store = live.engine.store
    jobs.start(store, collection)
    time.sleep(0.002)  # moments in the ledger are milliseconds
    reading = Reading(live.engine, NoQueue())
    sent_meanwhile = jobs.start(store, collection)
    reading.resume()
    ended(reading)
    assert jobs.unfinished(store, collection) == [sent_meanwhile]


def test_an_uploads_job_is_in_hand_while_it_is_recorded(
    live: Live, collection: str, custody: Custody
) -> None:
    store = live.engine.store
    reading = Reading(live.engine, NoQueue(), custody)
    free: list[list[Job]] = []

    class Looking(NoQueue):
        def enqueue(
            self, collection: str, ids: Sequence[str], kind: Kind, priority: Priority
        ) -> None:
            free.append(jobs.unfinished(store, collection, leases.free()))

    note = Upload("note.txt", in_memory(b"A note about the sea."))
    job, _ = add_uploads(live.engine, Looking(), collection, [note], reading.held)
    assert free == [[]]
    assert job.finished_at is not None
    assert custody.in_hand == 0


def test_a_bug_in_one_collection_keeps_nobody_else_waiting(
    live: Live, collection: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Buggy(NoQueue):
        def take_up(self, collection: str) -> None:
            self.taken += 1
            raise RuntimeError("a bug")

    queue = Buggy()
    reading = Reading(live.engine, queue)
    reading.resume()
    ended(reading)
    assert queue.taken == len(live.engine.store.collections())
    assert f"Collection {collection} is not queued again." in caplog.text
