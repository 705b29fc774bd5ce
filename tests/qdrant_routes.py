"""The part of Qdrant's REST interface that the stand-in speaks, one function a call."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request, Response
from fastapi.routing import APIRoute
from pydantic_core import from_json, to_json
from qdrant_client import models

from tests.qdrant_engine import Engine, done


class _QuickRequest(Request):
    """A request whose JSON is read by pydantic: vectors are long, and Python's reader is slow."""

    async def json(self) -> Any:
        return from_json(await self.body())


class _QuickRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_quickly(request: Request) -> Response:
            return await handle(_QuickRequest(request.scope, request.receive))

        return handle_quickly


router = APIRouter(route_class=_QuickRoute)


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


@router.patch("/collections/{collection}")
def update_collection(collection: str, body: models.UpdateCollection, engine: ENGINE) -> Response:
    return told(engine.change(collection, body))


@router.delete("/collections/{collection}")
def delete_collection(collection: str, engine: ENGINE) -> Response:
    return told(engine.drop(collection))


@router.put("/collections/{collection}/index")
def create_index(collection: str, body: models.CreateFieldIndex, engine: ENGINE) -> Response:
    return told(engine.index(collection, body))


@router.post("/collections/aliases")
def update_aliases(body: models.ChangeAliasesOperation, engine: ENGINE) -> Response:
    with engine.use() as client:
        return told(client.update_collection_aliases(body.actions))


@router.get("/aliases")
def get_aliases(engine: ENGINE) -> Response:
    with engine.use() as client:
        return told(client.get_aliases())


@router.get("/collections/{collection}/aliases")
def get_collection_aliases(collection: str, engine: ENGINE) -> Response:
    with engine.use() as client:
        return told(client.get_collection_aliases(collection))


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
    return told(engine.update(collection, [models.UpsertOperation(upsert=body)])[0])


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
    with engine.use() as client:
        return told(client.query_batch_points(collection, body.searches))


@router.put("/collections/{collection}/points/vectors")
def update_vectors(collection: str, body: models.UpdateVectors, engine: ENGINE) -> Response:
    operation = models.UpdateVectorsOperation(update_vectors=body)
    return told(engine.update(collection, [operation])[0])


@router.post("/collections/{collection}/points/delete")
def delete(collection: str, body: models.PointIdsList, engine: ENGINE) -> Response:
    return told(engine.update(collection, [models.DeleteOperation(delete=body)])[0])


@router.post("/collections/{collection}/points/batch")
def update(collection: str, body: models.UpdateOperations, engine: ENGINE) -> Response:
    return told(engine.update(collection, body.operations))
