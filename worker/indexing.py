"""The body of a job, and what to do when it fails: the same for threads and for Celery."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence

from indexer.domain import AssetId
from indexer.errors import CollectionNotFound, Unavailable
from indexer.indexing import Indexer, fail, index_assets

log = logging.getLogger(__name__)

RETRIES = 8
_LONGEST_WAIT = 120.0
_LAST_DOUBLING = 16
"""Beyond the longest wait; a number of any size would be too large for a float one day."""


def index(indexer: Indexer, collection: str, ids: Sequence[AssetId]) -> None:
    """Index the assets; whatever goes wrong for good is noted in the ledger.

    Raises `Unavailable` alone: then the job is to be tried again after `backoff_seconds`.
    """
    try:
        index_assets(indexer, collection, ids)
    except Unavailable:
        raise
    except CollectionNotFound as error:
        # The collection was dropped in the meantime: there is nothing left to do.
        log.info("Job skipped: %s", error.message)
    except Exception as error:
        log.exception("Indexing %d assets of %s failed.", len(ids), collection)
        fail(indexer, collection, ids, error)


def backoff_seconds(attempt: int) -> float:
    """How long to wait before the next attempt: doubling from 1 s, with full jitter.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    return random.uniform(0.5, 1.0) * min(_LONGEST_WAIT, 2.0 ** min(attempt, _LAST_DOUBLING))
