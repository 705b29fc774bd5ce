"""Stands in for a Qdrant server where none can run: a real HTTP server on this machine.

It speaks the part of Qdrant's REST interface that our store uses, over qdrant-client's own engine
in memory. So what is tested with it is our side: what goes out over the wire and what we make of
the answers, several processes on one store, and a server that goes away and comes back.

It proves nothing about Qdrant itself: not its gRPC interface, its indexes (all is scanned), its
log and what survives a power cut, shards and replicas, nor its speed. The same tests run on a
real server where there is one (`SEMBLANCE_TEST_QDRANT_URL`, or Docker).

    with StandIn() as server:
        store = connect(server.url, grpc=False)

    python -m tests.qdrant_stand_in --port 6333
"""

from __future__ import annotations

import argparse
import socket
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Self

import uvicorn
from fastapi import APIRouter, Body, Depends, FastAPI, Request, Response
from pydantic_core import to_json
from qdrant_client import models

from tests.qdrant_engine import Engine, Refused, done

VERSION = "1.20.0"
router = APIRouter()


async def _engine(request: Request) -> Engine:
    engine = request.app.state.engine
    assert isinstance(engine, Engine)
    return engine


ENGINE = Annotated[Engine, Depends(_engine)]


def told(result: object, status: int = 200) -> Response:
    """An answer in a server's envelope."""
    body = to_json({"result": result, "status": "ok", "time": 0.0})
    return Response(body, status, media_type="application/json")


def refused(status: int, message: str) -> Response:
    """A refusal in a server's envelope."""
    body = to_json({"status": {"error": message}, "time": 0.0})
    return Response(body, status, media_type="application/json")


@router.get("/collections")
def get_collections(engine: ENGINE) -> Response:
    with engine.use() as client:
        return told(client.get_collections())


@router.get("/collections/{collection}")
def get_collection(collection: str, engine: ENGINE) -> Response:
    return told(engine.info(collection))


@router.get("/collections/{collection}/exists")
def collection_exists(collection: str, engine: ENGINE) -> Response:
    with engine.use() as client:
        return told({"exists": client.collection_exists(collection)})


@router.put("/collections/{collection}")
def create_collection(collection: str, body: models.CreateCollection, engine: ENGINE) -> Response:
    return told(engine.create(collection, body))


@router.delete("/collections/{collection}")
def delete_collection(collection: str, engine: ENGINE) -> Response:
    return told(engine.drop(collection))


@router.put("/collections/{collection}/index")
def create_index(collection: str, body: models.CreateFieldIndex, engine: ENGINE) -> Response:
    return told(engine.index(collection, body))


@router.put("/collections/{collection}/vectors/{name}")
def create_vector_name(
    collection: str, name: str, body: Annotated[models.VectorNameConfig, Body()], engine: ENGINE
) -> Response:
    with engine.use() as client:
        client.create_vector_name(collection, name, body)
        return told(done())


@router.delete("/collections/{collection}/vectors/{name}")
def delete_vector_name(collection: str, name: str, engine: ENGINE) -> Response:
    with engine.use() as client:
        client.delete_vector_name(collection, name)
        return told(done())


@router.put("/collections/{collection}/points")
def upsert(collection: str, body: models.PointsList, engine: ENGINE) -> Response:
    with engine.use() as client:
        client.upsert(collection, body.points, update_mode=body.update_mode)
        return told(done())


@router.post("/collections/{collection}/points")
def retrieve(collection: str, body: models.PointRequest, engine: ENGINE) -> Response:
    payload = True if body.with_payload is None else body.with_payload
    with engine.use() as client:
        return told(client.retrieve(collection, body.ids, payload, body.with_vector or False))


@router.post("/collections/{collection}/points/scroll")
def scroll(collection: str, body: models.ScrollRequest, engine: ENGINE) -> Response:
    with engine.use() as client:
        points, following = client.scroll(
            collection,
            body.filter,
            limit=body.limit or 10,
            offset=body.offset,
            with_payload=True if body.with_payload is None else body.with_payload,
            with_vectors=body.with_vector or False,
        )
        return told({"points": points, "next_page_offset": following})


@router.post("/collections/{collection}/points/count")
def count(collection: str, body: models.CountRequest, engine: ENGINE) -> Response:
    with engine.use() as client:
        return told(client.count(collection, body.filter))


@router.post("/collections/{collection}/facet")
def facet(collection: str, body: models.FacetRequest, engine: ENGINE) -> Response:
    return told(engine.facet(collection, body))


@router.post("/collections/{collection}/points/query/batch")
def query_batch(collection: str, body: models.QueryRequestBatch, engine: ENGINE) -> Response:
    for query in body.searches:
        query.params = None  # all is scanned: the engine would warn that they change nothing
    with engine.use() as client:
        answers = client.query_batch_points(collection, body.searches)
    for answer in answers:
        for point in answer.points:
            point.score = float(point.score)  # it is numpy's
    return told(answers)


@router.put("/collections/{collection}/points/vectors")
def update_vectors(collection: str, body: models.UpdateVectors, engine: ENGINE) -> Response:
    with engine.use() as client:
        client.update_vectors(collection, body.points)
        return told(done())


@router.post("/collections/{collection}/points/delete")
def delete(collection: str, body: models.PointIdsList, engine: ENGINE) -> Response:
    with engine.use() as client:
        client.delete(collection, body)
        return told(done())


@router.post("/collections/{collection}/points/batch")
def update(collection: str, body: models.UpdateOperations, engine: ENGINE) -> Response:
    return told(engine.update(collection, body.operations))


class StandIn:
    """A server on 127.0.0.1, from a thread; stopped and started again it has all it had.

    `next_answers` are given, first of all, to the requests that come: a status and a sentence.
    `version` is what the server says it is.
    """

    def __init__(self, port: int = 0, version: str = VERSION) -> None:
        self.port = port
        self.version = version
        self.next_answers: deque[tuple[int, str]] = deque()
        self.requests: list[tuple[str, str]] = []
        self._engine = Engine()
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
        app.state.engine = self._engine
        app.include_router(router)
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
        if self.next_answers:
            return refused(*self.next_answers.popleft())
        return await go_on(request)


async def _refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return refused(error.status, error.message)


def main() -> None:
    parser = argparse.ArgumentParser(description="A stand-in for a Qdrant server, for tests.")
    parser.add_argument("--port", type=int, default=6333)
    with StandIn(parser.parse_args().port) as server:
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
