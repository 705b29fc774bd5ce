"""The Celery tasks. They carry ids; everything else is in the store and the blobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery import Celery, Task

from indexer.errors import Unavailable
from indexer.indexing import Indexer
from indexer.settings import Settings
from worker.celery_app import INDEX_TASK, make_app
from worker.indexing import RETRIES, backoff_seconds, index


def make_worker(settings: Settings, open_indexer: Callable[[], Indexer]) -> Celery:
    """The app with its tasks, ready to be run by a worker.

    `open_indexer` is called by the first task of each worker process: models and connections must
    not be shared across a fork.
    """
    app = make_app(settings)
    opened: list[Indexer] = []

    @app.task(name=INDEX_TASK, bind=True, max_retries=RETRIES)
    def index_assets(task: Task[Any, Any], collection: str, ids: list[str]) -> None:
        if not opened:
            opened.append(open_indexer())
        try:
            index(opened[0], collection, ids)
        except Unavailable as error:
            raise task.retry(exc=error, countdown=backoff_seconds(task.request.retries)) from error

    return app
