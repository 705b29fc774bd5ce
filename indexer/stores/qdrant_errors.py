"""What qdrant-client raises, over HTTP, over gRPC and in memory, as our errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import grpc  # type: ignore[import-untyped]  # it carries no types
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from indexer.errors import (
    CollectionExists,
    CollectionNotFound,
    DiskFull,
    InvalidInput,
    SemblanceError,
    StoreUnavailable,
)

_STATUS_OF_GRPC: Mapping[grpc.StatusCode, int] = {
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 501,
}

NEEDED = (1, 18)
"""The first version that adds vector fields to a collection. One before 1.17 would be worse than
useless: it takes `insert_only` for an ordinary write and erases the vectors that are there."""

_OF_STRICT_MODE = ". Help: "  # with which the server ends what its strict mode refuses


@contextmanager
def qdrant_errors(collection: str) -> Iterator[None]:
    """Raise our errors for the client's; let our own and bugs pass."""
    try:
        yield
    except SemblanceError:
        raise
    except UnexpectedResponse as error:
        content = error.content.decode(errors="replace")
        raise from_status(error.status_code or 500, content, collection) from error
    except grpc.RpcError as error:
        # calls that fail raise an RpcError that is a grpc.Call as well
        code = error.code() if isinstance(error, grpc.Call) else grpc.StatusCode.UNKNOWN
        details = error.details() if isinstance(error, grpc.Call) else str(error)
        raise from_status(_STATUS_OF_GRPC.get(code, 503), details or "", collection) from error
    except ResourceExhaustedResponse as error:
        raise _busy(collection, str(error)) from error
    except (ResponseHandlingException, QdrantException, ConnectionError, TimeoutError) as error:
        raise unavailable(str(error)) from error
    except ValueError as error:
        raise _from_memory(error, collection) from error


def check_version(version: str) -> None:
    """Raise `StoreUnavailable` if a server of this version cannot do what we ask of it."""
    told = re.match(r"(\d+)\.(\d+)", version)
    if told is not None and (int(told[1]), int(told[2])) < NEEDED:
        raise StoreUnavailable(
            f"The Qdrant server has version {version}; Semblance needs "
            f"{'.'.join(map(str, NEEDED))} or later. Upgrade the server.",
            version=version,
        )


def from_status(status: int, content: str, collection: str) -> SemblanceError:
    """Our error for a refusal of the server's."""
    if "No space left" in content or "available disk space" in content:
        return DiskFull(f"The disk of the Qdrant server is full: {content}. Free some space.")
    if "No point with id" in content:
        return StoreUnavailable("Assets were removed while they were written; try again.")
    if "already exists" in content:
        status = 409
    if _OF_STRICT_MODE in content:
        return _too_strict(collection, content)
    make = _BY_STATUS.get(status)
    return make(collection, content) if make else unavailable(content)


def _from_memory(error: ValueError, collection: str) -> SemblanceError:
    message = str(error)
    if message.startswith("Collection ") and message.endswith(" not found"):
        return _not_found(collection, message)
    if message.startswith("Collection ") and message.endswith(" already exists"):
        return _exists(collection, message)
    return _refused(collection, message)


def _not_found(collection: str, content: str) -> CollectionNotFound:
    del content
    return CollectionNotFound(
        f"There is no Collection {collection!r}; see the list of Collections.",
        collection=collection,
    )


def _exists(collection: str, content: str) -> CollectionExists:
    del content
    return CollectionExists(
        f"There is a Collection {collection!r} already; choose another name.",
        collection=collection,
    )


def _refused(collection: str, content: str) -> InvalidInput:
    return InvalidInput(
        f"The Qdrant server refused this for {collection!r}: {content}", collection=collection
    )


def _too_strict(collection: str, content: str) -> InvalidInput:
    return InvalidInput(
        f"The strict mode of {collection!r} on the Qdrant server refused this: {content} Ask for "
        "less, or have the limit raised in the collection's strict_mode_config.",
        collection=collection,
    )


def _busy(collection: str, content: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"The Qdrant server has too much to do: {content}. Try again later, or raise the rate "
        f"limits of {collection!r} there.",
        collection=collection,
    )


def _outdated(collection: str, content: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"The Qdrant server does not know this call ({content}); Semblance needs version "
        f"{'.'.join(map(str, NEEDED))} or later. Upgrade the server.",
        collection=collection,
    )


def _no_access(collection: str, content: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"The Qdrant server lets nobody in with this key ({content}); set "
        "SEMBLANCE_QDRANT_API_KEY to one that may read and write.",
        collection=collection,
    )


def unavailable(content: str) -> StoreUnavailable:
    """Our error for a server that gives no proper answer."""
    return StoreUnavailable(
        f"The Qdrant server does not answer as it should: {content}. Check SEMBLANCE_QDRANT_URL "
        "and that the server runs."
    )


_BY_STATUS: Mapping[int, Callable[[str, str], SemblanceError]] = {
    400: _refused,
    401: _no_access,
    403: _no_access,
    404: _not_found,
    409: _exists,
    413: _refused,
    422: _refused,
    429: _busy,
    501: _outdated,
}
