"""Whether the server lives, and whether it can answer searches.

Liveness asks nobody: a server that is restarted because Redis is away helps no one. Readiness
asks the store and the queue, where they are services of their own.
"""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter

from api.deps import SERVING
from api.schemas.base import PROBLEMS, Told

router = APIRouter(tags=["health"])


class Alive(Told):
    """The process answers."""

    status: Literal["ok"]


class Ready(Told):
    """The default model is in memory, and the services that are needed answer."""

    status: Literal["ready"]
    model: str


@router.get("/healthz")
async def healthz() -> Alive:
    """Tell that the server lives."""
    return Alive(status="ok")


@router.get("/readyz", responses={503: PROBLEMS[503]})
async def readyz(serving: SERVING) -> Ready:
    """Tell that searches are answered at full speed.

    503 while the default model is loading, and while Qdrant or Redis, if set, do not answer.
    """
    serving.warming.check()
    for reach in serving.reaches:
        await reach.check()
    return Ready(status="ready", model=serving.warming.model)
