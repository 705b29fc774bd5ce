"""The Celery tasks. They carry ids; everything else is in the store and the blobs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from itertools import count
from typing import Any

from celery import Celery, Task
from celery.exceptions import Reject

from indexer import collections, leases
from indexer.analysis.method import Stopped
from indexer.analysis.subject import Access
from indexer.domain import AssetId, Kind
from indexer.errors import (
    CollectionNotFound,
    ModelNotFound,
    ModelUnavailable,
    SemblanceError,
    SpaceMismatch,
    Unavailable,
)
from indexer.indexing import Indexer
from worker.analysing import run_patiently
from worker.broker import Broker
from worker.celery_app import ANALYSE_TASK, INDEX_TASK
from worker.custody import Custody
from worker.indexing import RETRIES, backoff_seconds, index
from worker.stopping import Stop

log = logging.getLogger(__name__)

_MARGIN_SECONDS = 60.0

_LONGEST_ANALYSIS_SECONDS = 24 * 3600.0

_ONE_ANALYSIS = threading.Lock()
"""Each may take all the memory there is, and the other threads are for assets."""


def add_tasks(app: Celery, indexer: Indexer, custody: Custody, stop: Stop) -> None:
    """Give the app its tasks; they share the Indexer, and with it the models, of this process."""
    broker = Broker(app)
    access = Access(indexer.store, indexer.blobs, indexer.embedders, indexer.limits)

    @app.task(name=INDEX_TASK, bind=True, shared=False)
    def index_assets(task: Task[Any, Any], collection: str, ids: list[str], kind: str) -> None:
        del task
        # Counted while it waits as well: a worker that waits for the store is not one that is deaf.
        with stop.at_work():
            _work(indexer, broker, custody, stop, collection, ids, Kind(kind))

    @app.task(name=ANALYSE_TASK, bind=True, shared=False)
    def analyse(task: Task[Any, Any], collection: str, id: str) -> None:
        del task
        with stop.at_work():
            _analyse(access, custody, stop, collection, id)


def _work(
    indexer: Indexer,
    broker: Broker,
    custody: Custody,
    stop: Stop,
    collection: str,
    ids: Sequence[AssetId],
    kind: Kind,
) -> None:
    # It waits here, and not in the queue: a worker that cannot work takes no further jobs, and
    # an outage of any length uses up no number of retries.
    for attempt in count():
        try:
            _attempt(indexer, custody, collection, ids, kind, attempt)
        except Unavailable as error:
            wait = backoff_seconds(attempt)
            log.warning("%s Trying again in %.0f s.", error.message, wait)
            _leave_to_retry(indexer, broker, collection, ids, wait + _MARGIN_SECONDS)
            if stop.wait(wait):
                raise Reject("the worker ends", requeue=True) from error
        else:
            return


def _attempt(
    indexer: Indexer,
    custody: Custody,
    collection: str,
    ids: Sequence[AssetId],
    kind: Kind,
    attempt: int,
) -> None:
    # Before anything is taken: the first time, a model may have to be fetched.
    if not _is_able(indexer, collection, kind, attempt):
        return
    with custody.of(collection, ids) as mine:
        if mine:
            index(indexer, collection, mine)


def _is_able(indexer: Indexer, name: str, kind: Kind, attempt: int) -> bool:
    """Whether the Collection is still there; its models for this Kind are in memory then.

    A worker that lacks a model, or has another version of it, leaves the work to others for some
    minutes before it says so of the assets. Raises `Unavailable` until then.
    """
    try:
        collection = collections.get(indexer.store, name)
    except CollectionNotFound as error:
        log.info("Job skipped: %s", error.message)
        return False
    for space in collection.spaces_for(kind):
        try:
            collections.embedder_of(indexer.embedders, collection, space)
        except (ModelNotFound, SpaceMismatch) as error:
            if attempt < RETRIES:
                raise ModelUnavailable(f"This worker cannot do it: {error.message}") from error
    return True


def _leave_to_retry(
    indexer: Indexer, broker: Broker, collection: str, ids: Sequence[AssetId], seconds: float
) -> None:
    """Note that somebody comes back for them; or, while that cannot be noted, a sweep will."""
    try:
        leases.hand_to_queue(indexer.store, collection, ids, broker.identity(), seconds)
    except SemblanceError as error:
        log.info("What is tried again is not leased: %s", error.message)


def _analyse(access: Access, custody: Custody, stop: Stop, collection: str, id: AssetId) -> None:
    """Run the analysis unless another process does, or this one is at another.

    Then the message is done with: a sweep sends it again, to whoever has room by then.
    """
    if not _ONE_ANALYSIS.acquire(blocking=False):
        return
    try:
        with custody.of_analysis(collection, id, _LONGEST_ANALYSIS_SECONDS) as mine:
            if mine:
                run_patiently(access, collection, id, stop.is_asked, stop.wait)
    except CollectionNotFound as error:
        log.info("Analysis skipped: %s", error.message)
    except Stopped as error:
        raise Reject("the worker ends", requeue=True) from error
    except Unavailable as error:
        log.warning("Analysis %s is left to a sweep: %s", id, error.message)
    finally:
        _ONE_ANALYSIS.release()
