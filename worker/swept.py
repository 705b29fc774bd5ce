"""The queue of a server in a scaled-out installation: Celery's, with a sweeper beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from indexer.build import Engine
from indexer.domain import AssetId, Kind
from indexer.ports import Priority
from worker.celery_app import make_app
from worker.celery_queue import CeleryQueue
from worker.queue import Worker
from worker.sweeping import Sweeper, sweep


class SweptQueue:
    """An open job queue that takes up by itself what is in nobody's hands."""

    def __init__(self, engine: Engine) -> None:
        self._indexer = engine.indexer
        self.jobs = CeleryQueue(
            make_app(engine.settings),
            engine.store,
            lease_seconds=engine.settings.lease_seconds,
        )
        self._sweeper = Sweeper(
            engine.indexer, self.jobs, seconds=engine.settings.lease_seconds / 4
        )

    def enqueue(
        self, collection: str, ids: Sequence[AssetId], kind: Kind, priority: Priority
    ) -> None:
        """Hand over ids of assets of one Kind; see `CeleryQueue.enqueue`."""
        self.jobs.enqueue(collection, ids, kind, priority)

    def take_up(self, collection: str) -> None:
        """Queue what is in nobody's hands, as far as there is room; later sweeps do the rest."""
        with self.jobs.broker.sweeping(self.jobs.lease_seconds) as alone:
            if alone:
                sweep(self._indexer, self.jobs, collection)

    def workers(self) -> list[Worker]:
        """The workers that have been heard of in the last seconds."""
        told = [json.loads(about) for about in self.jobs.broker.workers()]
        return [
            Worker(
                name=str(about["name"]),
                queues=tuple(about["queues"]),
                device=str(about["device"]),
                started_at=str(about["started_at"]),
                in_hand=int(about["in_hand"]),
            )
            for about in told
        ]

    def close(self) -> None:
        """Hand over nothing more."""
        self._sweeper.close()
        self.jobs.close()
