"""The queue inside the process: jobs are consumed, tried again, and never lost from the ledger."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from functools import partial

import pytest

from indexer.domain import Kind
from indexer.errors import QueueUnavailable, StoreUnavailable
from indexer.ports import Priority
from tests.fakes import LosingQueue
from tests.lab import Lab, found_text
from worker.embedded import BATCH, EmbeddedQueue
from worker.indexing import index


def test_jobs_are_consumed_and_assets_indexed(lab: Lab) -> None:
    queue = EmbeddedQueue(partial(index, lab.indexer), lab.store)
    lab.ingest(*(found_text(f"/{n}.txt", f"red {n}") for n in range(3 * BATCH)), queue=queue)
    queue.wait()
    queue.close()
    assert lab.totals.indexed == 3 * BATCH


def test_a_store_that_was_away_is_tried_again(lab: Lab) -> None:
    attempts: list[float] = []

    def run(collection: str, ids: Sequence[str]) -> None:
        attempts.append(time.monotonic())
        if len(attempts) == 1:
            raise StoreUnavailable("The store does not answer.")

    queue = EmbeddedQueue(run, lab.store, threads=1)
    queue.enqueue("things", ["a"], Kind.TEXT, Priority.BULK)
    queue.wait()
    queue.close()
    assert len(attempts) == 2
    assert attempts[1] - attempts[0] >= 0.5


def test_closing_ends_the_present_job_and_refuses_new_ones(lab: Lab) -> None:
    running, go_on = threading.Event(), threading.Event()
    done: list[str] = []

    def run(collection: str, ids: Sequence[str]) -> None:
        running.set()
        go_on.wait(10)
        done.append(collection)

    queue = EmbeddedQueue(run, lab.store, threads=1)
    queue.enqueue("first", ["a"], Kind.TEXT, Priority.BULK)
    queue.enqueue("second", ["b"], Kind.TEXT, Priority.BULK)
    running.wait(10)
    threading.Timer(0.2, go_on.set).start()
    queue.close()
    assert done == ["first"], "the second job stays pending in the ledger"
    with pytest.raises(QueueUnavailable, match="pending"):
        queue.enqueue("third", ["c"], Kind.TEXT, Priority.BULK)


def test_an_unexpected_error_fails_its_assets_and_nothing_else(lab: Lab) -> None:
    lost = LosingQueue()
    lab.ingest(found_text("/a.txt", "red"), queue=lost)
    lab.embedder.fingerprint = "colour-2"
    index(lab.indexer, "things", lost.lost)
    assert lab.totals.reasons == {"failed": {"space_mismatch": 1}}


def test_a_dropped_collection_is_no_error(lab: Lab) -> None:
    index(lab.indexer, "nowhere", ["00000000-0000-5000-8000-000000000000"])


def test_what_a_person_waits_for_goes_first_and_what_nobody_waits_for_last(lab: Lab) -> None:
    running, go_on = threading.Event(), threading.Event()
    done: list[str] = []

    def run(collection: str, ids: Sequence[str]) -> None:
        running.set()
        go_on.wait(10)
        done.append(ids[0])

    queue = EmbeddedQueue(run, lab.store, threads=1)
    queue.enqueue("things", ["at work"], Kind.TEXT, Priority.BULK)
    running.wait(10)
    queue.enqueue("things", ["fill"], Kind.TEXT, Priority.FILL)
    queue.enqueue("things", ["bulk"], Kind.TEXT, Priority.BULK)
    queue.enqueue("things", ["sent"], Kind.TEXT, Priority.INTERACTIVE)
    go_on.set()
    queue.wait()
    queue.close()
    assert done == ["at work", "sent", "bulk", "fill"]
