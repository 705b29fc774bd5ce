"""What a job tells: its pace, its failures in pages, its name cut short."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from indexer import collections, jobs
from indexer.domain import Payload, Reason
from indexer.errors import InvalidInput, JobNotFound
from indexer.failures import failures
from indexer.jobs import Job, JobState, Request, Tally
from indexer.ledger import now
from indexer.readers.found import Found
from tests.fakes import LosingQueue
from tests.lab import Lab, found_text

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(seconds: float) -> str:
    """The moment so many seconds after noon, as the ledger writes it."""
    moment = NOON + timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def begun_at_noon(lab: Lab, count: int, **further: object) -> tuple[Job, list[str]]:
    """A job of noon whose assets all wait."""
    queue = LosingQueue()
    job = lab.ingest(*(found_text(f"/{n}.txt", f"red {n}") for n in range(count)), queue=queue)
    lab.store.set_payload("things", {job.id: {"created_at": at(0), **further}})
    return jobs.get(lab.store, "things", job.id), queue.lost


def settle(lab: Lab, ids: list[str], *, indexed: str | None = None, failed: str = "") -> None:
    mark: Payload = (
        {"status": "indexed", "indexed_at": indexed}
        if indexed
        else {"status": "failed", "failed_at": failed, "reason": {"code": "odd", "message": "Odd."}}
    )
    lab.store.set_payload("things", dict.fromkeys(ids, mark))


def test_the_rate_counts_what_was_indexed_or_failed_in_the_last_half_minute(lab: Lab) -> None:
    job, ids = begun_at_noon(lab, 100)
    settle(lab, ids[:20], indexed=at(5))  # too long ago
    settle(lab, ids[20:50], indexed=at(80))
    settle(lab, ids[50:60], failed=at(90))
    told = jobs.progress(lab.store, job, at=NOON + timedelta(seconds=100))
    assert told.state is JobState.INDEXING
    assert (told.totals.indexed, told.totals.failed, told.totals.pending) == (50, 10, 40)
    assert told.rate == pytest.approx(40 / 30)
    assert told.seconds_left == pytest.approx(40 / (40 / 30))


def test_a_young_job_is_measured_since_its_start_and_a_very_young_one_not_at_all(lab: Lab) -> None:
    job, ids = begun_at_noon(lab, 30)
    settle(lab, ids[:20], indexed=at(4))
    told = jobs.progress(lab.store, job, at=NOON + timedelta(seconds=12))
    assert told.rate == pytest.approx(2.0)  # twenty in the ten seconds that count
    assert told.seconds_left == pytest.approx(5.0)
    told = jobs.progress(lab.store, job, at=NOON + timedelta(seconds=4))
    assert (told.rate, told.seconds_left) == (None, None)


@pytest.mark.parametrize("skew", [-2.0, 2.0])
def test_clocks_two_seconds_apart_do_not_change_the_rate(lab: Lab, skew: float) -> None:
    job, ids = begun_at_noon(lab, 120)
    for number, id in enumerate(ids):  # one a second, by a worker whose clock is off
        settle(lab, [id], indexed=at(number + skew))
    lab.store.set_payload("things", {ids[0]: {"status": "pending"}})
    told = jobs.progress(lab.store, job, at=NOON + timedelta(seconds=100))
    assert told.rate == pytest.approx(1.0, abs=0.04)


def test_when_nothing_moves_the_rate_is_zero_and_no_time_is_promised(lab: Lab) -> None:
    job, _ = begun_at_noon(lab, 3)
    told = jobs.progress(lab.store, job, at=NOON + timedelta(seconds=600))
    assert (told.rate, told.seconds_left) == (0.0, None)


def test_no_time_left_is_told_while_documents_are_being_found(lab: Lab) -> None:
    job, ids = begun_at_noon(lab, 30, finished_at=None)
    settle(lab, ids[:20], indexed=at(4))
    told = jobs.progress(lab.store, job, at=NOON + timedelta(seconds=12))
    assert (told.state, told.rate, told.seconds_left) == (JobState.READING, 2.0, None)


def test_what_has_ended_has_no_rate(lab: Lab) -> None:
    job = lab.ingest(found_text("/a.txt", "red"))
    told = jobs.progress(lab.store, job)
    assert (told.state, told.rate, told.seconds_left) == (JobState.DONE, None, None)


def test_a_worker_stamps_what_fails(lab: Lab) -> None:
    lab.embedder.poison = "cursed"
    before = now()
    lab.ingest(found_text("/a.txt", "a cursed text"))
    ((point,), _) = lab.store.scroll("things", collections.FAILED_OR_SKIPPED)
    assert before <= str(point.payload["failed_at"]) <= now()


def test_failures_come_in_pages_and_by_reason(lab: Lab) -> None:
    lab.embedder.poison = "cursed"
    skipped = [
        Found(f"file:///{n}.exe", f"/{n}.exe", 5, 1, lambda: iter(()), skip=Reason("odd", "no"))
        for n in range(7)
    ]
    bad = [found_text(f"/{n}.txt", f"cursed {n}") for n in range(3)]
    job = lab.ingest(*skipped, *bad, found_text("/good.txt", "red"))
    lab.ingest(found_text("/other.txt", "cursed as well"))
    pages, after = [], None
    while page := failures(lab.store, "things", job.id, after=after, limit=4):
        pages.append(page)
        after = page[-1].id
    assert [len(page) for page in pages] == [4, 4, 2]
    paths = {failure.path for page in pages for failure in page}
    assert paths == {f"/{n}.exe" for n in range(7)} | {f"/{n}.txt" for n in range(3)}
    odd = failures(lab.store, "things", job.id, code="odd")
    assert {failure.path for failure in odd} == {f"/{n}.exe" for n in range(7)}
    assert len(failures(lab.store, "things")) == 11
    assert jobs.progress(lab.store, job).totals.reasons == {
        "failed": {"internal": 3},
        "skipped": {"odd": 7},
    }


def test_the_beginning_of_an_id_names_a_job_if_it_is_the_only_one(lab: Lab) -> None:
    made = [jobs.start(lab.store, "things", Request("/a")) for _ in range(17)]
    job = made[0]
    assert jobs.named(lab.store, "things", job.id) == job
    assert jobs.named(lab.store, "things", job.id[:13]) == job
    # of 17 ids two begin with the same of 16 digits
    alike = next(d for d in "0123456789abcdef" if sum(j.id.startswith(d) for j in made) > 1)
    with pytest.raises(InvalidInput, match="write more of the id") as raised:
        jobs.named(lab.store, "things", alike)
    candidates = {j.id for j in made if j.id.startswith(alike)}
    assert set(raised.value.details["candidates"]) == candidates  # type: ignore[call-overload]
    assert all(id in raised.value.message for id in candidates)
    with pytest.raises(JobNotFound, match="no job -"):
        jobs.named(lab.store, "things", "-")
    with pytest.raises(InvalidInput, match="'no id at all' is no id of a job"):
        jobs.named(lab.store, "things", "no id at all")


def test_a_job_that_a_newer_version_wrote_is_read(lab: Lab) -> None:
    job = jobs.start(lab.store, "things", Request("/a", exclude=("*.tmp",)))
    newer: Payload = {
        "request": {"location": "/a", "exclude": ["*.tmp"], "depth": 3},
        "tally": {"documents": 2, "dreams": 1},
    }
    lab.store.set_payload("things", {job.id: newer})
    read = jobs.get(lab.store, "things", job.id)
    assert (read.request, read.tally) == (job.request, Tally(documents=2))
