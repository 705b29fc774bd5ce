"""Runs an analysis that the ledger holds, from its request to its tables."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from indexer.analysis import artefacts, asking, entries
from indexer.analysis.entry import (
    ENDED,
    Analysis,
    Request,
    Step,
    step_payload,
    tables_payload,
)
from indexer.analysis.method import Cancelled, Outcome, Stopped
from indexer.analysis.subject import Access, Subject
from indexer.analysis.subjects import subject_of
from indexer.descriptions import get as collection_of
from indexer.domain import AssetId, Reason
from indexer.errors import (
    AnalysisNotFound,
    CollectionNotFound,
    DiskFull,
    ModelUnavailable,
    NotFound,
    SemblanceError,
    Unavailable,
)
from indexer.ledger import now, reason_of
from indexer.ports import VectorStore

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 3
"""Beginnings that came to no end, each because its process died, before it has failed."""

_STEP_SECONDS = 0.5

_NO_MEMORY = Reason(
    "out_of_memory",
    "This analysis needs more memory than this machine has free. Narrow it with a filter, run it "
    "on a machine with more, or close what else runs.",
)


def run(
    access: Access,
    collection: str,
    id: AssetId,
    stopping: Callable[[], bool] = lambda: False,
    *,
    again: bool = False,
) -> None:
    """Run the analysis to its end, which the ledger tells; one that has ended stays as it is.

    Raises `Unavailable` if it is to be tried again, and `Stopped` if `stopping` says so: then it is
    unfinished, and its attempt does not count. Neither does one that this process makes `again`.
    """
    try:
        analysis = entries.get(access.store, collection, id)
        if analysis.state in ENDED:
            return
        if analysis.attempts >= MOST_ATTEMPTS and not again:
            entries.fail(access.store, analysis, _died(analysis))
            return
        _run(access, analysis, stopping, 0 if again else 1)
    except (Cancelled, CollectionNotFound, AnalysisNotFound) as error:
        log.info("Analysis %s ends: %s", id, error)


def give_up(access: Access, collection: str, id: AssetId, error: SemblanceError) -> None:
    """Note that it was tried often enough. Raises `Unavailable` if even that cannot be noted."""
    analysis = entries.get(access.store, collection, id)
    if analysis.state not in ENDED:
        entries.fail(access.store, analysis, reason_of(error))


def _run(access: Access, analysis: Analysis, stopping: Callable[[], bool], counted: int) -> None:
    store, attempts = access.store, analysis.attempts
    entries.write(store, analysis, started_at=now(), attempts=attempts + counted)
    try:
        analysis = _as_of_now(store, analysis)
        progress = LedgerProgress(store, analysis, stopping)
        subject = subject_of(access, analysis, progress)
        entries.write(store, analysis, looked_at=now())
        _finish(access, analysis, subject, _outcome(subject, analysis.request))
    except (ModelUnavailable, DiskFull) as error:
        entries.fail(store, analysis, reason_of(error))  # waiting mends neither
    except (Unavailable, Stopped):
        with suppress(SemblanceError):
            entries.write(store, analysis, attempts=attempts, step=None)
        raise
    except Cancelled:
        raise
    except NotFound as error:
        entries.get(store, analysis.collection, analysis.id)  # if it is itself what is gone
        entries.fail(store, analysis, reason_of(error))
    except MemoryError as error:
        log.warning("Analysis %s needs more memory than there is.", analysis.id, exc_info=error)
        entries.fail(store, analysis, _NO_MEMORY)
    except SemblanceError as error:
        entries.fail(store, analysis, reason_of(error))
    except Exception as error:
        log.exception("Analysis %s (%s) failed.", analysis.id, analysis.request.name)
        entries.fail(store, analysis, reason_of(error))


def _as_of_now(store: VectorStore, analysis: Analysis) -> Analysis:
    """With the fingerprint its Space has by now: that may have been refilled while it waited."""
    space = collection_of(store, analysis.collection).space(analysis.request.space)
    entries.write(store, analysis, fingerprint=space.fingerprint)
    return entries.get(store, analysis.collection, analysis.id)


def _outcome(subject: Subject, request: Request) -> Outcome:
    method = asking.method_named(request.name)
    outcome = method.run(subject, method.chosen(request.parameters))
    subject.progress.step("Keeping the result")
    return outcome


def _finish(access: Access, analysis: Analysis, subject: Subject, outcome: Outcome) -> None:
    store = access.store
    kept = artefacts.save(access.blobs, analysis, outcome.tables, len(subject))
    try:
        entries.write_unless_ended(
            store,
            analysis,
            finished_at=now(),
            step=None,
            assets=len(subject),
            without_vectors=subject.without_vectors,
            summary=plain(outcome.summary),
            tables=tables_payload(kept),
            version=artefacts.program_version(),
        )
        store.flush(analysis.collection)
        there = entries.get(store, analysis.collection, analysis.id)
    except Unavailable:
        raise  # it may have been written
    except SemblanceError:
        access.blobs.delete([one.blob for one in kept.values()])
        raise
    # It was cancelled meanwhile, or another process came first.
    used = {one.blob for one in there.tables.values()}
    access.blobs.delete(sorted({one.blob for one in kept.values()} - used))


def amend(access: Access, analysis: Analysis, outcome: Outcome) -> Analysis:
    """Put other tables and another summary in the place of an analysis', as after an edit.

    A table that is not among them stays as it is.
    """
    new = artefacts.save(access.blobs, analysis, outcome.tables, analysis.assets or 0)
    kept = {**analysis.tables, **new}
    entries.write(
        access.store,
        analysis,
        changed_at=now(),
        summary=plain(outcome.summary),
        tables=tables_payload(kept),
    )
    old = {one.blob for one in analysis.tables.values()} - {one.blob for one in kept.values()}
    access.blobs.delete(sorted(old))
    return entries.get(access.store, analysis.collection, analysis.id)


def remove(access: Access, analysis: Analysis) -> None:
    """Delete an analysis and its tables; one that runs stops at its next step."""
    # The files first: what is in the way is said, and the same can be done again.
    artefacts.forget(access.blobs, analysis)
    access.store.delete(analysis.collection, [analysis.id])


def plain(value: object) -> object:
    """The value with JSON's types alone; what is not finite becomes null."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _died(analysis: Analysis) -> Reason:
    return Reason(
        "worker_lost",
        f"It was begun {analysis.attempts} times, and each time its process ended before it did: "
        "it may need more memory than there is. Narrow it with a filter, or give it more memory, "
        "and run it again.",
    )


@dataclass(slots=True)
class LedgerProgress:
    """Writes how far an analysis is into the ledger, now and then, and sees there if it goes on."""

    store: VectorStore
    analysis: Analysis
    stopping: Callable[[], bool]
    _written: float = field(default=-math.inf)

    def step(self, what: str, done: int = 0, total: int | None = None) -> None:
        """Raises `Cancelled` if a person cancelled or deleted it, `Stopped` if the process ends."""
        if self.stopping():
            raise Stopped("The process is ending.")
        now = time.monotonic()
        if now - self._written < _STEP_SECONDS:
            return
        self._written = now
        try:
            there = self.store.get(self.analysis.collection, [self.analysis.id])
            if not there or there[0].payload.get("cancelled_at"):
                raise Cancelled(f"Analysis {self.analysis.id} was cancelled.")
            told = step_payload(Step(what, done, total))
            entries.write(self.store, self.analysis, step=told)
        except Unavailable as error:  # the work goes on; only nobody sees how far it is
            log.warning("How far analysis %s is: %s", self.analysis.id, error.message)
