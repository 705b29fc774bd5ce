"""What qdrant-client raises, over HTTP, over gRPC and in memory, as our errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import grpc  # type: ignore[import-untyped]  # it carries no types
from qdrant_client.common.client_exceptions import QdrantException
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
}


@contextmanager
def qdrant_errors(collection: str) -> Iterator[None]:
    """Raise our errors for the client's; let our own and bugs pass."""
    try:
        yield
    except SemblanceError:
        raise
    except UnexpectedResponse as error:
        content = error.content.decode(errors="replace")
        raise _from_status(error.status_code or 500, content, collection) from error
    except grpc.RpcError as error:
        # calls that fail raise an RpcError that is a grpc.Call as well
        code = error.code() if isinstance(error, grpc.Call) else grpc.StatusCode.UNKNOWN
        details = error.details() if isinstance(error, grpc.Call) else str(error)
        raise _from_status(_STATUS_OF_GRPC.get(code, 503), details or "", collection) from error
    except (ResponseHandlingException, QdrantException, ConnectionError, TimeoutError) as error:
        raise _unavailable(str(error)) from error
    except ValueError as error:
        raise _from_memory(error, collection) from error


def _from_status(status: int, content: str, collection: str) -> SemblanceError:
    if "No space left" in content or "available disk space" in content:
        return DiskFull(f"The disk of the Qdrant server is full: {content}. Free some space.")
    if "No point with id" in content:
        return StoreUnavailable("Assets were removed while they were written; try again.")
    if "already exists" in content:
        status = 409
    make = _BY_STATUS.get(status)
    return make(collection, content) if make else _unavailable(content)


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


def _no_access(collection: str, content: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"The Qdrant server lets nobody in with this key ({content}); set "
        "SEMBLANCE_QDRANT_API_KEY to one that may read and write.",
        collection=collection,
    )


def _unavailable(content: str) -> StoreUnavailable:
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
    422: _refused,
}
