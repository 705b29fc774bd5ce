"""What routes are given: the parts of the running server, and paging with its bounds."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated

import anyio
from fastapi import Depends, Request

from api.metrics import ServerMetrics
from api.moments import Moments
from api.reaching import Reach
from api.reading import Reading
from api.warming import Warming
from indexer.build import Engine
from indexer.collections import resolved
from indexer.errors import SemblanceError
from indexer.ports import VectorStore
from worker.analysing import Analyses
from worker.queue import OpenQueue

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Serving:
    """One running server: the engine, and what works beside the requests."""

    engine: Engine
    queue: OpenQueue
    analyses: Analyses
    token: str | None
    reading: Reading
    warming: Warming
    uploads: anyio.CapacityLimiter
    """How many uploads are in memory at once. They wait for it without a thread, so that a full
    queue of indexing jobs never takes the threads that searches run on."""
    originals: anyio.CapacityLimiter
    """How many originals are read or decoded at once: each may be hundreds of megabytes."""
    metrics: ServerMetrics
    reaches: Sequence[Reach]
    """The services that must answer before this server is ready."""
    closing: threading.Event = field(default_factory=threading.Event)
    moments: Moments = field(default_factory=Moments)

    def take_up_analyses(self, collection: str | None = None) -> None:
        """In the background: have run what is unfinished, in one Collection or in all."""
        work = partial(self._take_up_analyses, collection)
        threading.Thread(target=work, name="take up", daemon=True).start()

    def _take_up_analyses(self, collection: str | None) -> None:
        try:
            store = self.engine.store
            for name in store.collections() if collection is None else [collection]:
                self.analyses.take_up(name)
        except SemblanceError as error:
            log.warning("Analyses are not taken up: %s", error.message)
        except Exception:
            log.exception("Analyses are not taken up.")


async def serving(request: Request) -> Serving:
    parts = request.app.state.serving
    assert isinstance(parts, Serving)
    return parts


async def engine(parts: Annotated[Serving, Depends(serving)]) -> Engine:
    return parts.engine


async def store(parts: Annotated[Serving, Depends(serving)]) -> VectorStore:
    return parts.engine.store


def own_name(collection: str, store: Annotated[VectorStore, Depends(store)]) -> str:
    """The own name of the Collection in the path, which may name it by an alias.

    Asked once a request: what is begun in one Collection ends there.
    """
    return resolved(store, collection)


SERVING = Annotated[Serving, Depends(serving)]
ENGINE = Annotated[Engine, Depends(engine)]
STORE = Annotated[VectorStore, Depends(store)]
COLLECTION = Annotated[str, Depends(own_name)]
