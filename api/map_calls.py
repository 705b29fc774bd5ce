"""The client's calls about maps: points and tiles as Arrow, and where names are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, cast

from api.asset_calls import DEFAULT, AssetCalls
from api.transport import segment


class MapName(TypedDict):
    """The name of a group of points, and its place on the map."""

    group: str
    name: str
    x: float
    y: float
    size: int


class MapCalls(AssetCalls):
    """Maps that the analysis `map` has drawn. Ids may be shortened."""

    def map_points(
        self,
        id: str,
        collection: str = DEFAULT,
        *,
        colours: Sequence[str] = (),
        fields: Sequence[str] = (),
        limit: int | None = None,
    ) -> bytes:
        """The points of a map as an Arrow IPC stream, the most representative first.

        `colours` are columns of other analyses (`ID:TABLE.COLUMN`), `fields` metadata fields: each
        is one more column. Read it with `pyarrow.ipc.open_stream(data).read_all()`.
        """
        return self._arrow(id, collection, "points", colours, fields, limit)

    def map_tile(
        self,
        id: str,
        z: int,
        x: int,
        y: int,
        collection: str = DEFAULT,
        *,
        colours: Sequence[str] = (),
        fields: Sequence[str] = (),
    ) -> bytes:
        """The points of one tile of a map as an Arrow IPC stream."""
        return self._arrow(id, collection, f"tiles/{z}/{x}/{y}", colours, fields, None)

    def map_names(self, id: str, colour: str, collection: str = DEFAULT) -> list[MapName]:
        """Where on a map to write the names of a colour's groups, the largest first."""
        path = f"/map/{segment(id)}/names"
        answer = self._json("GET", collection, path, params={"colour": colour})
        return cast("list[MapName]", answer)

    def _arrow(
        self,
        id: str,
        collection: str,
        part: str,
        colours: Sequence[str],
        fields: Sequence[str],
        limit: int | None,
    ) -> bytes:
        params: dict[str, object] = {"colour": list(colours), "field": list(fields)}
        if limit is not None:
            params["limit"] = limit
        path = f"/v1/collections/{segment(collection)}/map/{segment(id)}/{part}"
        return self._transport.send("GET", path, params=params).content
