"""What is picked up after a crash, and what `retry` tries again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from indexer import jobs
from indexer.errors import InvalidInput
from indexer.ingest import Ingest
from indexer.jobs import Request
from indexer.readers.found import Candidate
from indexer.recovery import requeue_pending, retry_failed
from tests.fakes import LosingQueue
from tests.lab import Lab, found_text


def test_everything_pending_is_queued_again(lab: Lab) -> None:
    lab.ingest(*(found_text(f"/{n}.txt", f"red {n}") for n in range(300)), queue=LosingQueue())
    assert requeue_pending(lab.store, lab.queue, "things") == 300
    assert (lab.totals.pending, lab.totals.indexed) == (0, 300)


def test_retry_makes_failed_assets_pending_and_names_what_to_read_again(lab: Lab) -> None:
    def locked() -> Iterator[Candidate]:
        raise InvalidInput("/b.pdf has a password.")
        yield

    request = Request("/archive", labels=True)
    job = jobs.start(lab.store, "things", request)
    lab.embedder.poison = "cursed"
    found = [found_text("/a.txt", "a cursed text"), replace(found_text("/b.pdf", ""), read=locked)]
    Ingest(lab.store, lab.blobs, lab.queue, lab.collection, job).run(found)
    assert lab.totals.failed == 2
    again = retry_failed(lab.store, "things")
    assert (again.assets, again.documents, again.requests) == (1, 1, (request,))
    lab.embedder.poison = None
    requeue_pending(lab.store, lab.queue, "things")
    assert lab.totals.indexed == 1
    assert lab.totals.reasons == {"failed": {"invalid_input": 1}}


def test_an_interrupted_job_is_found_with_its_request(lab: Lab) -> None:
    request = Request("/archive", exclude=("*.tmp",), metadata=("year",))
    job = jobs.start(lab.store, "things", request)
    (unfinished,) = jobs.unfinished(lab.store, "things")
    assert unfinished == job
    assert unfinished.request == request
    jobs.finish(lab.store, job)
    assert jobs.unfinished(lab.store, "things") == []
    assert jobs.progress(lab.store, jobs.get(lab.store, "things", job.id)).state == "done"
