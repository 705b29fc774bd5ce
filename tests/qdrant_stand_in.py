"""Stands in for a Qdrant server where none can run: a real HTTP server on this machine.

It speaks the part of Qdrant's REST interface that our store uses, over shards of Qdrant's own
engine in this process (qdrant-edge). So what is tested with it is our side: what goes out over the
wire and what we make of the answers, several processes on one store, and a server that goes away
and comes back.

It proves nothing about the server: not its gRPC interface, its log and what survives a power cut,
its optimiser (all vectors are scanned), shards and replicas, nor its speed. The same tests run on
a real server where there is one (`SEMBLANCE_TEST_QDRANT_URL`, or Docker).

    with StandIn() as server:
        store = connect(server.url, grpc=False)

    python -m tests.qdrant_stand_in --port 6333
"""

from __future__ import annotations

import argparse
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Self

import uvicorn
from fastapi import FastAPI, Request, Response

from tests import qdrant_snapshot_routes
from tests.qdrant_engine import Engine, Refused
from tests.qdrant_routes import refused, router

VERSION = "1.20.0"


class StandIn:
    """A server on 127.0.0.1, from a thread; stopped and started again it has all it had.

    `next_answers` are given, first of all, to the requests that come: a status and a sentence.
    `version` is what the server says it is. `requests` (and their `queries`) are what was asked.
    """

    def __init__(self, port: int = 0, version: str = VERSION) -> None:
        self.port = port
        self.version = version
        self.next_answers: deque[tuple[int, str]] = deque()
        self.requests: list[tuple[str, str]] = []
        self.queries: list[str] = []
        self.engine = Engine()
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.engine.close()

    def start(self) -> None:
        """Listen; a port that was chosen once is kept."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(128)
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(self._app(), log_config=None, access_log=False, lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)

    def stop(self) -> None:
        """Drop all connections and answer nobody any more; idempotent."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()
        self._server = self._thread = None

    def restart(self) -> None:
        """Stop and start again at once, on the same port."""
        self.stop()
        self.start()

    def _app(self) -> FastAPI:
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        app.state.engine = self.engine
        app.include_router(router)
        app.include_router(qdrant_snapshot_routes.router)
        app.add_api_route("/", self._root)
        app.add_exception_handler(Refused, _refusal)
        app.middleware("http")(self._answer)
        return app

    def _root(self) -> dict[str, Any]:
        return {"title": "qdrant - vector search engine", "version": self.version}

    async def _answer(
        self, request: Request, go_on: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        self.requests.append((request.method, request.url.path))
        self.queries.append(request.url.query)
        if self.next_answers:
            return refused(*self.next_answers.popleft())
        return await go_on(request)


async def _refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return refused(error.status, error.message)


def main() -> None:
    parser = argparse.ArgumentParser(description="A stand-in for a Qdrant server, for tests.")
    parser.add_argument("--port", type=int, default=6333)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # so that nothing is left behind
    with StandIn(parser.parse_args().port) as server:
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
