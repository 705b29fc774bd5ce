"""Calls that may be repeated are, for a few seconds, before a server counts as unavailable."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

import grpc  # type: ignore[import-untyped]  # it carries no types
import httpx
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from indexer.errors import StoreUnavailable

PATIENCE_SECONDS = 5.0
"""A request that waits longer is better told so; what runs in the background has its own time."""

_PAUSES = (0.1, 0.3, 0.9)
_LASTING = {401, 403, 501}
_LASTING_IN_GRPC = {
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNIMPLEMENTED,
}

T = TypeVar("T")


def patiently(call: Callable[[], T]) -> T:
    """The call's answer, at the fourth try at the latest; it must be the same when repeated.

    Pauses grow, and differ by chance, so that many who wait do not all come back at once.
    """
    latest = time.monotonic() + PATIENCE_SECONDS
    for pause in _PAUSES:
        try:
            return call()
        except StoreUnavailable as error:
            asked_for = passes_after(error.__cause__)
            if asked_for is None:
                raise
            wait = max(asked_for, pause * random.uniform(0.5, 1.5))
            if time.monotonic() + wait > latest:
                raise
        time.sleep(wait)
    return call()


def passes_after(cause: BaseException | None) -> float | None:
    """Seconds to wait before a call that failed so may succeed; None if it will not."""
    if isinstance(cause, ResourceExhaustedResponse):
        return float(cause.retry_after_s)
    if isinstance(cause, UnexpectedResponse):
        return None if cause.status_code in _LASTING else 0.0
    if isinstance(cause, ResponseHandlingException):
        return 0.0 if isinstance(cause.source, httpx.TransportError) else None
    if isinstance(cause, grpc.Call):
        return None if cause.code() in _LASTING_IN_GRPC else 0.0
    return 0.0 if isinstance(cause, ConnectionError | TimeoutError) else None
