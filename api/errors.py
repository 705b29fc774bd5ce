"""How what goes wrong becomes an answer: one table from class to status, one JSON shape.

Routes catch nothing. What they raise ends here: Semblance's own errors by the table, FastAPI's
complaints about a request as `invalid_input` naming the field, anything else as a 500 whose
opaque id leads to the traceback in the log.
"""

from __future__ import annotations

import errno
import logging
import math
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from indexer.errors import (
    AssetTooLarge,
    CollectionNotFound,
    Conflict,
    DiskFull,
    Forbidden,
    InvalidInput,
    NotFound,
    RateLimited,
    SemblanceError,
    Unauthorized,
    Unavailable,
    UnsupportedMedia,
)
from worker.logs import belongings

log = logging.getLogger(__name__)

STATUS: Mapping[type[SemblanceError], int] = {
    InvalidInput: 422,
    UnsupportedMedia: 415,
    AssetTooLarge: 413,
    NotFound: 404,
    Conflict: 409,
    Unauthorized: 401,
    Forbidden: 403,
    RateLimited: 429,
    Unavailable: 503,
}
"""Status by class; a class that is not named here has that of its nearest base."""

RETRY_SECONDS = 5

_HEADERS: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": 'Bearer, Basic realm="Semblance", charset="UTF-8"'},
    429: {"Retry-After": str(RETRY_SECONDS)},
    503: {"Retry-After": str(RETRY_SECONDS)},
}


def status_of(error: SemblanceError) -> int:
    """The HTTP status of an error. Raises `KeyError` for a class that nobody has placed."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    raise KeyError(type(error).__name__)


def answer(error: SemblanceError) -> JSONResponse:
    """The response for one of Semblance's own errors."""
    status = status_of(error)
    details = dict(error.details)
    if isinstance(error, CollectionNotFound):
        # Not in the message: the command line, which gets the same answer, has a way of its own.
        details["remedy"] = "POST /v1/collections makes it, with its name in the body."
    return _response(status, error.code, error.message, details)


def answer_unexpected(error: Exception) -> JSONResponse:
    """A 500 that says nothing of what is inside; its id, the request's, finds the traceback."""
    id = belongings().get("request") or secrets.token_hex(8)
    log.error("Unexpected error %s", id, exc_info=error)
    message = f"Something went wrong inside Semblance. The log says more under the id {id}."
    return _response(500, "internal", message, {"id": id})


def body_of(error: SemblanceError) -> dict[str, object]:
    """The error as JSON values, for places where no status can be sent any more."""
    return _body(error.code, error.message, error.details)


def install(app: FastAPI) -> None:
    """Answer everything that routes and FastAPI raise in the one shape."""
    app.add_exception_handler(SemblanceError, _on_semblance_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)


async def _on_semblance_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SemblanceError)
    return answer(error)


async def _on_validation_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return answer(_invalid(error.errors()))


async def _on_http_exception(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 204:
        return Response(status_code=204)  # no error at all, and nothing may follow it
    if isinstance(error.__cause__, SemblanceError):
        # FastAPI wraps whatever stops the reading of a body, our own limit included.
        return answer(error.__cause__)
    if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.ENOSPC:
        # Uploads wait in the temporary folder until they are kept.
        folder = tempfile.gettempdir()
        return answer(
            DiskFull(
                f"The disk that holds {folder} is full; make room there, or let TMPDIR name "
                "another folder for temporary files, and send it again.",
                path=folder,
            )
        )
    if error.status_code == 400:
        return answer(InvalidInput(f"The request cannot be read: {error.detail}"))
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "error")
    return _response(error.status_code, code, f"{error.detail}.", {}, error.headers)


def _invalid(problems: Sequence[Any]) -> InvalidInput:
    fields = [
        {"field": _field(problem["loc"]), "problem": str(problem["msg"])} for problem in problems
    ]
    told = "; ".join(f"{one['field']}: {one['problem']}" for one in fields[:3])
    return InvalidInput(f"The request is not valid. {told}.", fields=fields)


def _field(place: Sequence[str | int]) -> str:
    """`body.texts[0].name` from the place that pydantic names."""
    named = ""
    for step in place:
        named += f"[{step}]" if isinstance(step, int) else f".{step}" if named else str(step)
    return named


def _body(code: str, message: str, details: Mapping[str, object]) -> dict[str, object]:
    return {"code": code, "message": _plain(message), "details": _plain(details)}


def _plain(value: object) -> object:
    """The value as JSON can hold it: whatever was sent must not break the answer that names it."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {str(_plain(str(key))): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return _plain(str(value))


def _response(
    status: int,
    code: str,
    message: str,
    details: Mapping[str, object],
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    extra = {**_HEADERS.get(status, {}), **(headers or {})}
    return JSONResponse(_body(code, message, details), status_code=status, headers=extra)
