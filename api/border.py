"""What every request meets first and every answer last.

Requests under a foreign host name (DNS rebinding) and unsafe ones from foreign pages are refused;
bodies are bounded while they arrive; answers tell the browser to trust nothing but this origin;
an exception that nobody answered becomes a 500.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import answer, answer_unexpected
from indexer.errors import AssetTooLarge, Forbidden, SemblanceError
from indexer.settings import Settings

JSON_BYTES = 32 * 1024**2
"""Longest body that is not an upload: room for a picture to search for."""

UPLOAD_OVERHEAD = 1024**2
"""What a form may weigh beside the files in it."""

ANYWHERE = {"*", "0.0.0.0", "::", ""}
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "[::1]"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_PROBES = frozenset({"/healthz", "/readyz"})
"""Orchestrators probe under whatever address they have."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Activity:
    """When the last request came in."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def touch(self) -> None:
        self._last = time.monotonic()

    def quiet_seconds(self) -> float:
        return time.monotonic() - self._last


class Border:
    """The ASGI application around all others."""

    def __init__(self, app: ASGIApp, *, settings: Settings, activity: Activity) -> None:
        self._app = app
        self._activity = activity
        self._hosts = allowed_hosts(settings)
        # So do monitors; but without a key the name is what keeps a foreign page from reading.
        has_key = settings.metrics_key is not None or settings.api_key is not None
        self._probes = _PROBES | {"/metrics"} if has_key else _PROBES
        self._upload_bytes = settings.max_file_bytes + UPLOAD_OVERHEAD

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._activity.touch()
        answered = False

        async def send_guarded(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            limit = self._check(scope)
            await self._app(scope, _bounded(receive, limit), send_guarded)
        except Exception as error:
            if answered:
                raise
            known = isinstance(error, SemblanceError)
            response = answer(error) if known else answer_unexpected(error)  # type: ignore[arg-type]
            await response(scope, receive, send_guarded)

    def _check(self, scope: Scope) -> int:
        """How long the body may be. Raises `Forbidden`, `AssetTooLarge`."""
        headers = Headers(scope=scope)
        if scope["path"] not in self._probes:
            check_host(headers, self._hosts)
        if scope["method"] not in _SAFE_METHODS:
            check_origin(headers)
        is_upload = scope["path"].endswith("/assets/upload")
        limit = self._upload_bytes if is_upload else JSON_BYTES
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > limit:
            raise _too_large(limit)
        return limit


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """Names under which the server answers, without port."""
    named = {host.lower() for host in settings.allowed_hosts}
    own = settings.host.lower()
    if own not in ANYWHERE:
        named.add(f"[{own}]" if ":" in own else own)
    return _THIS_MACHINE | named


def check_host(headers: Headers, allowed: frozenset[str]) -> None:
    """Raise `Forbidden` if the request came under a name that is not ours."""
    host = headers.get("host", "")
    name = _without_port(host).lower().rstrip(".")
    if name not in allowed:
        raise Forbidden(
            f"This server does not answer to the name {name!r}; add it to "
            "SEMBLANCE_ALLOWED_HOSTS if it is yours.",
            host=host,
        )


def check_origin(headers: Headers) -> None:
    """Raise `Forbidden` if a browser sends this on behalf of a page that is not ours."""
    origin = headers.get("origin")
    foreign_site = headers.get("sec-fetch-site") in ("cross-site", "same-site")
    if origin is None:
        foreign = foreign_site
    else:
        # The scheme is left out: a proxy may have taken the TLS off.
        foreign = urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
    if foreign:
        raise Forbidden(
            f"A page of another origin ({origin or 'unknown'}) may not change anything here.",
            origin=origin,
        )


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _bounded(receive: Receive, limit: int) -> Callable[[], Awaitable[Message]]:
    arrived = 0

    async def receive_bounded() -> Message:
        nonlocal arrived
        message = await receive()
        arrived += len(message.get("body", b""))
        if arrived > limit:
            raise _too_large(limit)
        return message

    return receive_bounded


def _too_large(limit: int) -> AssetTooLarge:
    return AssetTooLarge(
        f"The request is larger than {limit // 1024**2} MiB. Send fewer files at a time, or index "
        "them where they are with the command line.",
        limit_bytes=limit,
    )
