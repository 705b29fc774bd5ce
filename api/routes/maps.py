"""Maps as a page shows them: points and tiles as Arrow, and where names are written."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.deps import ENGINE
from api.routes.analyses import ANALYSIS
from api.schemas.maps import NameTold
from indexer.analysis.entry import Analysis
from indexer.analysis.maps import showing
from indexer.analysis.maps.points import ARROW, stream
from indexer.analysis.maps.showing import Look
from indexer.build import Engine

if TYPE_CHECKING:
    import pyarrow as pa

router = APIRouter(prefix="/collections/{collection}/map/{id}", tags=["analyses"])

COLOURS = Annotated[
    list[str] | None,
    Query(
        max_length=8,
        description="Columns of other analyses to tell with each point, as ID:TABLE.COLUMN.",
        examples=["3f2a9c1d:members.cluster"],
    ),
]
FIELDS = Annotated[
    list[str] | None,
    Query(max_length=8, description="Metadata fields to tell with each point."),
]
_ARROW: dict[int | str, dict[str, Any]] = {
    200: {"content": {ARROW: {}}, "description": "An Arrow IPC stream: id, kind, x, y, …"},
    304: {"description": "The one you have is good"},
}


@router.get("/points", response_class=Response, responses=_ARROW)
def read_points(
    analysis: ANALYSIS,
    engine: ENGINE,
    request: Request,
    colour: COLOURS = None,
    field: FIELDS = None,
    limit: Annotated[int | None, Query(ge=1, le=10_000_000)] = None,
) -> Response:
    """Get the points of a map, the most representative first; x and y are within -1 to 1."""
    look = _look(engine, analysis, colour, field)
    tag = _tag(analysis, look, f"points-{limit}")
    if tag is not None and tag in request.headers.get("if-none-match", ""):
        return _unchanged(tag)
    return _arrow(showing.points(engine.access, analysis, look, limit), tag)


@router.get("/tiles/{z}/{x}/{y}", response_class=Response, responses=_ARROW)
def read_tile(
    analysis: ANALYSIS,
    z: int,
    x: int,
    y: int,
    engine: ENGINE,
    request: Request,
    colour: COLOURS = None,
    field: FIELDS = None,
) -> Response:
    """Get the points of one tile of a map; a page shows it together with all tiles above it.

    Tile 0/0/0 is the whole map and has its 2,000 most representative points; each tile has four
    below it, with x counted from the left and y from the top. `deepest_level` in the map's summary
    says where they end.
    """
    look = _look(engine, analysis, colour, field)
    tag = _tag(analysis, look, f"{z}-{x}-{y}")
    if tag is not None and tag in request.headers.get("if-none-match", ""):
        return _unchanged(tag)
    return _arrow(showing.tile_points(engine.access, analysis, (z, x, y), look), tag)


@router.get("/names")
def read_names(
    analysis: ANALYSIS,
    engine: ENGINE,
    colour: Annotated[str, Query(description="The groups, as ID:TABLE.COLUMN: clusters, mostly.")],
) -> list[NameTold]:
    """Tell where on a map to write the names of groups: at the median of their points."""
    groups = showing.parse_colour(engine.access, analysis.collection, colour)
    found = showing.names(engine.access, analysis, groups)
    return [NameTold.model_validate({**one, "group": str(one["group"])}) for one in found]


def _look(
    engine: Engine, analysis: Analysis, colours: list[str] | None, fields: list[str] | None
) -> Look:
    parsed = [
        showing.parse_colour(engine.access, analysis.collection, text) for text in colours or []
    ]
    return Look(parsed, fields or ())


def _tag(analysis: Analysis, look: Look, part: str) -> str | None:
    """Names the answer: a map never changes, and colours tell when they do."""
    if look.version is None:
        return None
    text = f"{showing.version(analysis)}/{part}/{look.version}"
    return f'"{blake2b(text.encode(), digest_size=16).hexdigest()}"'


def _unchanged(tag: str) -> Response:
    return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "private, no-cache"})


def _arrow(table: pa.Table, tag: str | None) -> Response:
    headers = {} if tag is None else {"ETag": tag, "Cache-Control": "private, no-cache"}
    return Response(stream(table), media_type=ARROW, headers=headers)
