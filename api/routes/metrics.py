"""The server's metrics, for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from api.deps import SERVING
from indexer.errors import Unauthorized
from worker.metrics import may_read

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=Response, include_in_schema=False)
def metrics(request: Request, serving: SERVING) -> Response:
    """Tell what the server did so far, and how long the queue is."""
    authorization = request.headers.get("authorization")
    if not may_read(serving.engine.settings, authorization):
        raise Unauthorized(
            "Metrics need a key: send SEMBLANCE_METRICS_KEY or the API key as `Authorization: "
            "Bearer …`."
        )
    return Response(serving.metrics.text(), media_type=CONTENT_TYPE_LATEST)
