"""Around every request: its id, its line in the log, its place in the metrics, and its span."""

from __future__ import annotations

import logging
import re
import secrets
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.metrics import ServerMetrics
from worker.logs import bound
from worker.tracing import Traces

log = logging.getLogger("api.access")

PREFIX: Final = "/v1"
"""Under which the API is."""

REQUEST_ID: Final = "X-Request-Id"

_FIT = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""What is taken over from a client: nothing that could break a line or a header."""

_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines; logged where everything is."""


@dataclass(slots=True)
class _Answered:
    """When the answer began, in seconds from the request, and with which status."""

    status: int = 500
    seconds: float | None = None


class Watching:
    """The outermost ASGI application: nothing that happens to a request escapes it."""

    def __init__(self, app: ASGIApp, *, metrics: ServerMetrics, traces: Traces | None) -> None:
        self._app = app
        self._metrics = metrics
        self._traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        id = request_id(headers.get(REQUEST_ID))
        start, answered = time.perf_counter(), _Answered()

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID] = id
                answered.status = message["status"]
                answered.seconds = time.perf_counter() - start
            await send(message)

        with ExitStack() as stack:
            stack.enter_context(bound(request=id))
            span = None
            if self._traces is not None:
                carrier = {name.lower(): value for name, value in headers.items()}
                span = stack.enter_context(
                    self._traces.continued(scope["method"], carrier, "server")
                )
            try:
                await self._app(scope, receive, send_named)
            finally:
                route = route_of(scope)
                seconds = answered.seconds or time.perf_counter() - start
                self._metrics.answered(scope["method"], route, answered.status, seconds)
                _log(scope, route, answered.status, seconds)
                if span is not None:
                    span.update_name(f"{scope['method']} {route or ''}".rstrip())
                    span.set_attribute("http.response.status_code", answered.status)


def request_id(given: str | None) -> str:
    """The client's own id for the request if it is fit to be used, else a new one."""
    return given if given is not None and _FIT.fullmatch(given) else secrets.token_hex(16)


def route_of(scope: Scope) -> str | None:
    """The template of the route that answered, such as `/v1/collections/{collection}`."""
    path = getattr(scope.get("route"), "path_format", None)
    if not isinstance(path, str):
        return None
    # A route may know only its path inside the router that was included under the prefix.
    outside = scope["path"].startswith(f"{PREFIX}/") and not path.startswith(f"{PREFIX}/")
    return f"{PREFIX}{path}" if outside else path


def _log(scope: Scope, route: str | None, status: int, seconds: float) -> None:
    # The path and not what follows the `?`: that may hold what people ask.
    facts = {
        "method": scope["method"],
        "path": scope["path"],
        "route": route,
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
    }
    level = logging.DEBUG if scope["path"] in _QUIET else logging.INFO
    line = "%(method)s %(path)s %(status)d in %(milliseconds).1f ms"
    log.log(level, line, facts, extra=facts)
