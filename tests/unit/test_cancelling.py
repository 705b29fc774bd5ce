"""A job is cancelled at any moment, its counts add up throughout, and it can be taken up again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import pytest

from indexer import cancelling, collections, jobs
from indexer.cancelling import cancel
from indexer.collections import Totals
from indexer.domain import Payload, Reason
from indexer.errors import Conflict, InvalidInput
from indexer.failures import failures
from indexer.filters import Equals
from indexer.indexing import index_assets
from indexer.ingest import Ingest
from indexer.jobs import Job, JobState, Request
from indexer.leases import moment
from indexer.marks import mark_indexed
from indexer.ports import JobQueue, VectorStore
from indexer.readers.found import Candidate, Found
from indexer.recovery import requeue_pending
from indexer.retrying import retry_job
from tests.fakes import LosingQueue
from tests.lab import Lab, found_text

TEXTS = 600


def reading(lab: Lab, job: Job, queue: JobQueue | None = None) -> Ingest:
    """Reading for the job that looks at it each time."""
    queue = queue or lab.queue
    return Ingest(lab.store, lab.blobs, queue, lab.collection, job, look_seconds=0)


def told(lab: Lab, job: Job) -> tuple[JobState, Totals]:
    """State and counts as any process reads them; they must add up."""
    progress = jobs.progress(lab.store, jobs.get(lab.store, "things", job.id))
    t = progress.totals
    assert t.found == t.indexed + t.failed + t.pending + t.skipped
    return progress.state, t


def documents(count: int, start: int = 0) -> list[Found]:
    return [found_text(f"/{n}.txt", f"red number {n}") for n in range(start, start + count)]


def test_reading_stops_when_the_job_is_cancelled_and_retry_reads_it_to_its_end(lab: Lab) -> None:
    job = jobs.start(lab.store, "things", Request("/folder"))

    def slowly() -> Iterator[Found]:
        for number, found in enumerate(documents(TEXTS)):
            if number == 300:  # by another process, while this one reads
                cancel(lab.store, jobs.get(lab.store, "things", job.id))
            yield found

    ended = reading(lab, job, LosingQueue()).run(slowly())
    assert ended.cancelled_at is not None
    state, totals = told(lab, job)
    assert state is JobState.CANCELLED
    # read up to the batch in which it was noticed
    assert (totals.found, totals.skipped, totals.pending) == (256, 256, 0)
    assert totals.reasons == {"skipped": {"cancelled": 256}}
    assert jobs.unfinished(lab.store, "things") == []
    assert requeue_pending(lab.store, lab.queue, "things") == 0

    again = retry_job(lab.store, jobs.get(lab.store, "things", job.id))
    assert (again.assets, again.reading) == (256, True)
    state, totals = told(lab, job)
    assert (state, totals.pending) == (JobState.READING, 256)
    assert [one.id for one in jobs.unfinished(lab.store, "things")] == [job.id]
    requeue_pending(lab.store, lab.queue, "things")
    reading(lab, again.job).run(documents(TEXTS))
    state, totals = told(lab, job)
    assert (state, totals.found, totals.indexed) == (JobState.DONE, TEXTS, TEXTS)


def test_one_long_document_is_left_in_its_middle(lab: Lab) -> None:
    job = jobs.start(lab.store, "things", Request("/table.csv"))
    table = found_text("/table.csv", *(f"red row {n}" for n in range(TEXTS)))

    def slowly() -> Iterator[Candidate]:
        for number, candidate in enumerate(table.read()):
            if number == 400:
                cancel(lab.store, job)
            yield candidate

    reading(lab, job, LosingQueue()).run([replace(table, read=slowly)])
    state, totals = told(lab, job)
    assert (state, totals.found, totals.skipped) == (JobState.CANCELLED, 256, 256)
    assert totals.documents == 0  # not noted as read, nor as failed


def test_what_waits_is_set_aside_and_what_is_indexed_stays(lab: Lab) -> None:
    queue = LosingQueue()
    job = lab.ingest(*documents(10), queue=queue)
    index_assets(lab.indexer, "things", queue.lost[:4])
    cancel(lab.store, job)
    state, totals = told(lab, job)
    assert (state, totals.indexed, totals.skipped, totals.pending) == (JobState.CANCELLED, 4, 6, 0)
    reasons = {failure.reason for failure in failures(lab.store, "things", job.id)}
    assert len(reasons) == 1
    assert f"semblance jobs retry {job.id[:8]}" in reasons.pop().message
    # Jobs that were in the queue already are passed over.
    assert index_assets(lab.indexer, "things", queue.lost) == 0
    assert told(lab, job)[1].indexed == 4

    again = retry_job(lab.store, jobs.get(lab.store, "things", job.id))
    assert (again.assets, again.reading) == (6, False)
    assert told(lab, job)[0] is JobState.INDEXING
    requeue_pending(lab.store, lab.queue, "things")
    assert told(lab, job)[1] == lab.totals
    assert (lab.totals.indexed, lab.totals.found) == (10, 10)


def test_a_worker_that_ends_its_batch_at_that_moment_is_counted(lab: Lab) -> None:
    queue = LosingQueue()
    job = lab.ingest(*documents(4), queue=queue)
    cancel(lab.store, job)
    mark_indexed(lab.store, "things", queue.lost[:2])  # it had begun before
    state, totals = told(lab, job)
    assert (state, totals.indexed, totals.skipped) == (JobState.CANCELLED, 2, 2)
    assert sum(totals.reasons["skipped"].values()) == 2


def test_a_crash_between_the_mark_and_the_rest_is_completed_by_who_looks_next(lab: Lab) -> None:
    job = lab.ingest(*documents(5), queue=LosingQueue())
    mark: Payload = {"cancelled_at": "2026-01-01T00:00:00.000Z"}
    lab.store.set_payload("things", {job.id: mark})  # and then the process was killed
    assert told(lab, job)[1].pending == 5
    assert requeue_pending(lab.store, lab.queue, "things") == 0
    assert told(lab, job)[1].skipped == 5


class Counting:
    """A store that notes how often it is asked for a count."""

    def __init__(self, store: VectorStore) -> None:
        self._store = store
        self.counts = 0

    def __getattr__(self, name: str) -> object:
        self.counts += name == "count"
        return getattr(self._store, name)


def test_what_was_cancelled_long_ago_is_not_counted_at_every_look(lab: Lab) -> None:
    counting = Counting(lab.store)
    store = cast("VectorStore", counting)
    jobs_cancelled = [lab.ingest(found, queue=LosingQueue()) for found in documents(3)]
    for job in jobs_cancelled:
        cancel(lab.store, job)
    looks = []
    for when in (moment(0), moment(-61), moment(-61)):
        marks: Payload = {"cancelled_at": when}
        lab.store.set_payload("things", dict.fromkeys((job.id for job in jobs_cancelled), marks))
        counting.counts = 0
        cancelling.complete(store, "things")
        looks.append(counting.counts)
    # Reading for it may not have noticed yet; then it is counted once more; then never again.
    assert looks == [3, 3, 0]

    again = retry_job(lab.store, jobs.get(lab.store, "things", jobs_cancelled[0].id))
    lab.store.set_payload("things", {again.job.id: {"cancelled_at": moment(0)}})  # then a crash
    cancelling.complete(store, "things")
    assert told(lab, again.job)[1].pending == 0


def test_cancelling_is_idempotent_and_refused_for_what_has_ended(lab: Lab) -> None:
    job = lab.ingest(*documents(2), queue=LosingQueue())
    first = cancel(lab.store, job)
    assert cancel(lab.store, first) == first
    done = lab.ingest(found_text("/done.txt", "blue"))
    with pytest.raises(Conflict, match=rf"{done.id} has ended \(done\)"):
        cancel(lab.store, done)


def test_a_failed_job_can_be_cancelled_while_something_of_it_waits(lab: Lab) -> None:
    job = lab.ingest(*documents(2), queue=LosingQueue())
    job = jobs.finish(lab.store, job, Reason("internal", "The disk went away."))
    assert told(lab, job)[0] is JobState.FAILED
    cancel(lab.store, job)
    assert told(lab, job)[0] is JobState.CANCELLED
    other = jobs.finish(lab.store, jobs.start(lab.store, "things"), Reason("internal", "x"))
    with pytest.raises(Conflict):
        cancel(lab.store, other)


def test_saving_the_tally_does_not_undo_a_cancel(lab: Lab) -> None:
    job = jobs.start(lab.store, "things", Request("/folder"))
    cancel(lab.store, job)
    jobs.save(lab.store, job)  # by a process that has not looked yet
    jobs.finish(lab.store, job)
    assert told(lab, job)[0] is JobState.CANCELLED


def test_an_asset_that_another_job_found_as_well_goes_over_to_it(lab: Lab) -> None:
    queue = LosingQueue()
    first = lab.ingest(found_text("/a.txt", "red", "blue"), queue=queue)
    second = lab.ingest(found_text("/b.txt", "red"), queue=queue)
    assert second.tally.known == 1
    cancel(lab.store, first)
    assert (told(lab, first)[1].found, told(lab, first)[1].skipped) == (1, 1)
    assert (told(lab, second)[1].found, told(lab, second)[1].pending) == (1, 1)
    assert told(lab, second)[0] is JobState.INDEXING
    cancel(lab.store, second)
    assert (lab.totals.skipped, lab.totals.pending) == (2, 0)


def test_indexing_the_same_files_again_takes_up_what_was_cancelled(lab: Lab) -> None:
    first = lab.ingest(*documents(3), queue=LosingQueue())
    cancel(lab.store, first)
    second = lab.ingest(*documents(3))
    assert (second.tally.unchanged, second.tally.known) == (0, 3)
    assert (lab.totals.indexed, lab.totals.skipped) == (3, 0)
    assert told(lab, second)[1].indexed == 3
    assert lab.ingest(*documents(3)).tally.unchanged == 3


def test_members_of_an_archive_are_read_again_with_it(lab: Lab) -> None:
    archive = found_text("/a.zip", "index")
    members = [replace(found_text("/a.zip!/1.txt", "red"), container="file:///a.zip")]
    lab.ingest(archive, queue=LosingQueue())
    job = lab.ingest(*members, queue=LosingQueue())
    cancel(lab.store, job)
    for uri in ("file:///a.zip", "file:///a.zip!/1.txt"):
        points, _ = lab.store.scroll("things", Equals("uri", uri))
        assert points[0].payload["mtime_ns"] == -1


def test_retry_of_one_job_leaves_the_failures_of_others(lab: Lab) -> None:
    lab.embedder.poison = "cursed"

    def locked() -> Iterator[Candidate]:
        raise InvalidInput("/b.pdf has a password.")
        yield

    job = jobs.start(lab.store, "things", Request("/folder"))
    found = [found_text("/a.txt", "a cursed text"), replace(found_text("/b.pdf", ""), read=locked)]
    reading(lab, job).run(found)
    other = lab.ingest(found_text("/c.txt", "cursed too"))
    lab.embedder.poison = None
    again = retry_job(lab.store, jobs.get(lab.store, "things", job.id))
    assert (again.assets, again.documents, again.reading) == (1, 1, True)
    assert told(lab, job)[1].pending == 1
    requeue_pending(lab.store, lab.queue, "things")
    reading(lab, again.job).run([found[0], found_text("/b.pdf", "green")])
    state, totals = told(lab, job)
    assert (state, totals.indexed, totals.failed) == (JobState.DONE, 2, 0)
    assert told(lab, other)[1].failed == 1


def test_retry_of_a_job_without_failures_changes_nothing(lab: Lab) -> None:
    job = lab.ingest(found_text("/a.txt", "red"))
    again = retry_job(lab.store, job)
    assert (again.assets, again.documents, again.reading) == (0, 0, False)
    assert jobs.get(lab.store, "things", job.id) == job


def test_a_job_stopped_by_an_error_is_read_again(lab: Lab) -> None:
    job = jobs.start(lab.store, "things", Request("/folder"))
    job = jobs.finish(lab.store, job, Reason("internal", "The disk went away."))
    again = retry_job(lab.store, job)
    assert again.reading
    assert told(lab, job)[0] is JobState.READING
    reading(lab, again.job).run(documents(2))
    assert told(lab, job)[0] is JobState.DONE


def test_a_job_that_is_being_read_is_not_read_twice(lab: Lab) -> None:
    job = jobs.start(lab.store, "things", Request("/folder"))
    assert not retry_job(lab.store, job).reading
    assert told(lab, job)[0] is JobState.READING


def test_a_cancelled_upload_ends_when_it_is_tried_again(lab: Lab) -> None:
    job = jobs.start(lab.store, "things")
    cancelling.cancel(lab.store, job)
    again = retry_job(lab.store, jobs.get(lab.store, "things", job.id))
    assert not again.reading
    assert told(lab, job)[0] is JobState.DONE


def test_the_collections_counts_add_up_whatever_is_cancelled(lab: Lab) -> None:
    lab.ingest(*documents(3))
    job = lab.ingest(*documents(5, start=10), queue=LosingQueue())
    cancel(lab.store, job)
    totals = collections.totals(lab.store, "things")
    assert (totals.found, totals.indexed, totals.skipped) == (8, 3, 5)
