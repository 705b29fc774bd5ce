"""Whatever stops the reading of a job is noted in it, or it starts again at the next start."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from api import reading as module
from api.reading import Reading
from indexer import jobs
from indexer.build import Engine
from indexer.domain import Kind
from indexer.errors import StoreUnavailable
from indexer.jobs import Job, JobState, Request
from indexer.ports import JobQueue, Priority
from tests.integration.conftest import Live
from worker.queue import Worker


class NoQueue:
    """Takes everything and does nothing."""

    def enqueue(self, collection: str, ids: Sequence[str], kind: Kind, priority: Priority) -> None:
        return None

    def take_up(self, collection: str) -> None:
        return None

    def workers(self) -> list[Worker]:
        return []

    def close(self) -> None:
        return None


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
