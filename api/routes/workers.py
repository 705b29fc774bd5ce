"""Who works for the servers."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from api.deps import SERVING
from api.schemas.base import PROBLEMS, Told

router = APIRouter(prefix="/workers", tags=["workers"])


class WorkerTold(Told):
    """A process that works on jobs for the servers."""

    name: str = Field(examples=["gpu-1/4711-8c1d"])
    queues: list[str] = Field(examples=[["images", "texts", "analysis"]])
    device: str
    started_at: str
    in_hand: int = Field(description="Assets that it is working on.")


@router.get("", responses={503: PROBLEMS[503]})
def list_workers(serving: SERVING) -> list[WorkerTold]:
    """List worker processes; there are none where a server does its work itself."""
    return [
        WorkerTold(
            name=worker.name,
            queues=list(worker.queues),
            device=worker.device,
            started_at=worker.started_at,
            in_hand=worker.in_hand,
        )
        for worker in serving.queue.workers()
    ]
