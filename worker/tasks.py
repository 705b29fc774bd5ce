"""The Celery tasks. They carry ids; everything else is in the store and the blobs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from celery import Celery, Task

from indexer import leases
from indexer.domain import AssetId
from indexer.errors import SemblanceError, Unavailable
from indexer.indexing import Indexer
from worker.broker import Broker
from worker.celery_app import INDEX_TASK
from worker.custody import Custody
from worker.indexing import RETRIES, backoff_seconds, index

log = logging.getLogger(__name__)

_MARGIN_SECONDS = 60.0


def add_tasks(app: Celery, indexer: Indexer, custody: Custody) -> None:
    """Give the app its tasks; they share the Indexer, and with it the models, of this process."""
    broker = Broker(app)

    @app.task(name=INDEX_TASK, bind=True, shared=False, max_retries=RETRIES)
    def index_assets(task: Task[Any, Any], collection: str, ids: list[str]) -> None:
        try:
            with custody.of(collection, ids) as mine:
                index(indexer, collection, mine)
        except Unavailable as error:
            wait = backoff_seconds(task.request.retries)
            log.warning("%s Trying again in %.0f s.", error.message, wait)
            _leave_to_retry(indexer, broker, collection, ids, wait + _MARGIN_SECONDS)
            raise task.retry(exc=error, countdown=wait) from error


def _leave_to_retry(
    indexer: Indexer, broker: Broker, collection: str, ids: Sequence[AssetId], seconds: float
) -> None:
    """Note that a message will come back for them; or, while that cannot be noted, a sweep will."""
    try:
        leases.hand_to_queue(indexer.store, collection, ids, broker.identity(), seconds)
    except SemblanceError as error:
        log.info("What is tried again is not leased: %s", error.message)
