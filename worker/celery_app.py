"""Celery, set up for work that must not be lost and may be repeated."""

from __future__ import annotations

from collections.abc import Sequence

from celery import Celery

from indexer.batches import batches
from indexer.domain import AssetId
from indexer.errors import QueueUnavailable
from indexer.settings import Settings

INDEX_TASK = "semblance.index_assets"
QUEUE = "assets"
BATCH = 128


def make_app(settings: Settings) -> Celery:
    """The Celery app that the settings describe. Raises `QueueUnavailable` if no Redis is set."""
    if settings.redis_url is None:
        raise QueueUnavailable("Celery workers need Redis: set SEMBLANCE_REDIS_URL.")
    app = Celery("semblance", broker=settings.redis_url)
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_default_queue=QUEUE,
        # A task is gone from the queue when it is done, not when it is taken: a killed worker's
        # task is run again, and indexing twice changes nothing.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True,
        broker_transport_options={"visibility_timeout": 3600},
    )
    return app


class CeleryQueue:
    """Hands jobs to Celery workers: ids only, never bytes or vectors."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def enqueue(self, collection: str, ids: Sequence[AssetId]) -> None:
        """Raises `QueueUnavailable` if Redis does not answer; the assets stay pending."""
        from kombu.exceptions import OperationalError

        try:
            for batch in batches(ids, BATCH):
                self._app.send_task(INDEX_TASK, args=[collection, batch], retry=False)
        except OperationalError as error:
            raise QueueUnavailable(
                f"Redis does not answer ({error}); what was found stays pending and is queued "
                "when it is back."
            ) from error

    def close(self) -> None:
        self._app.close()
