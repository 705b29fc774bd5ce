"""How the client reaches the API: over TCP or a Unix socket, and errors come back as ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx

from indexer.errors import (
    AssetTooLarge,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    RateLimited,
    SemblanceError,
    Unauthorized,
    Unavailable,
    UnsupportedMedia,
)

_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 600.0
"""The first search on a large model loads it; nothing else takes long."""

_BY_STATUS: dict[int, type[SemblanceError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: AssetTooLarge,
    415: UnsupportedMedia,
    429: RateLimited,
}


class ServerLost(Unavailable):
    """The server does not answer, or went away in the middle of an answer."""


class Transport:
    """HTTP to one server. Raises the engine's own errors, as if it were called directly."""

    def __init__(self, url: str | None, socket: str | None, token: str | None) -> None:
        self.where = url or f"the socket {socket}"
        self._http = httpx.Client(
            base_url=url or "http://localhost",
            # Settings of proxies are for the outside world; this is this machine.
            transport=httpx.HTTPTransport(uds=socket),
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS),
        )

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def json(self, method: str, path: str, **options: Any) -> Any:
        """The decoded answer; None for an empty one."""
        response = self.send(method, path, **options)
        return response.json() if response.content else None

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer, read to its end."""
        with self._lost():
            response = self._http.request(method, path, **options)
        raise_for(response)
        return response

    def stream(self, path: str, params: Mapping[str, Any]) -> Iterator[bytes]:
        """The answer's bytes as they come."""
        with self._lost(), self._http.stream("GET", path, params=dict(params)) as response:
            if response.is_error:
                response.read()
            raise_for(response)
            yield from response.iter_bytes()

    @contextmanager
    def _lost(self) -> Iterator[None]:
        try:
            yield
        except (httpx.ConnectError, httpx.NetworkError, httpx.RemoteProtocolError) as error:
            raise ServerLost(
                f"The Semblance server at {self.where} does not answer; it may just have ended. "
                "Run the command again.",
                server=self.where,
            ) from error
        except httpx.TimeoutException as error:
            raise Unavailable(
                f"The Semblance server at {self.where} took too long to answer. Try again later.",
                server=self.where,
            ) from error


def segment(text: str) -> str:
    """The text as one piece of a URL's path. Raises `InvalidInput` if it is empty."""
    if not text:  # with none at all, another resource would be asked for
        raise InvalidInput("A name or an id is empty; give one that is there.")
    # A dot alone would be resolved away, and another resource asked for.
    return quote(text, safe="").replace(".", "%2E") if text in (".", "..") else quote(text, safe="")


def raise_for(response: httpx.Response) -> None:
    """Raise the error that the answer carries, if it is one."""
    if not response.is_error:
        return
    try:
        body = response.json()
    except ValueError:
        body = {}
    if not isinstance(body, dict):
        body = {}
    message = str(body.get("message") or f"The server answered {response.status_code}.")
    details = body.get("details")
    raise error_from(
        str(body.get("code", "")),
        message,
        details if isinstance(details, dict) else {},
        status=response.status_code,
    )


def error_from(
    code: str, message: str, details: Mapping[str, object], *, status: int = 500
) -> SemblanceError:
    """The error as it was raised on the other side: class by code, else by HTTP status."""
    cls = _by_code(SemblanceError).get(code) or _by_status(status)
    named = {str(key): value for key, value in details.items() if key not in ("self", "message")}
    return cls(message, **named)


def _by_status(status: int) -> type[SemblanceError]:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 400 <= status < 500:
        return InvalidInput
    return Unavailable if status in (502, 503, 504) else SemblanceError


def _by_code(cls: type[SemblanceError]) -> dict[str, type[SemblanceError]]:
    known: dict[str, type[SemblanceError]] = {}
    for child in cls.__subclasses__():
        known |= _by_code(child)
    # a subclass without a code of its own never stands for its parent
    return known | {cls.code: cls} if "code" in vars(cls) else known
