"""Models that collections can be made with."""

from __future__ import annotations

from fastapi import APIRouter

from api.deps import ENGINE
from api.schemas.collections import ModelTold
from indexer.build import Engine
from indexer.embedders.catalogue import ROWS
from indexer.embedders.model import Model

router = APIRouter(prefix="/models", tags=["models"])


@router.get("")
def list_models(engine: ENGINE) -> list[ModelTold]:
    """List the catalogue, and the server's default where it is not in it."""
    default = engine.embedders.describe(engine.settings.model)
    rows = ROWS if default.name in {row.name for row in ROWS} else (default, *ROWS)
    return [_told(engine, row, is_default=row.name == default.name) for row in rows]


def _told(engine: Engine, row: Model, *, is_default: bool) -> ModelTold:
    availability = engine.embedders.available(row.name)
    return ModelTold(
        name=row.name,
        description=row.description,
        kinds=sorted(row.kinds),
        dimension=row.dimension,
        licence=row.licence,
        available=availability.on_disk,
        remedy=availability.remedy or None,
        default=is_default,
        megabytes=row.megabytes,
    )
