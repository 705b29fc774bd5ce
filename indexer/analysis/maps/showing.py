"""A kept map as it is shown: its points or one of its tiles, in colours, and names to write."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from indexer.analysis import artefacts, entries
from indexer.analysis.entry import Analysis
from indexer.analysis.gathering import payloads
from indexer.analysis.maps.labelled import label
from indexer.analysis.maps.points import coloured, labelled, name_places
from indexer.analysis.maps.tiles import bounds, tile
from indexer.analysis.subject import Access
from indexer.errors import InvalidInput

if TYPE_CHECKING:
    import pyarrow as pa

_COLOUR = re.compile(r"(?P<id>[0-9a-f-]+):(?P<table>\w+)\.(?P<column>\w+)")
_SHOWN = ("id", "kind", "x", "y", "placed", "level")


@dataclass(frozen=True, slots=True)
class Colour:
    """A column of an analysis' table (id, …): clusters, scores of outliers, verdicts."""

    analysis: Analysis
    table: str
    column: str


@dataclass(frozen=True, slots=True)
class Look:
    """What is told of each point beside its place: columns of analyses, and metadata fields."""

    colours: Sequence[Colour] = ()
    fields: Sequence[str] = field(default_factory=tuple)

    @property
    def version(self) -> str | None:
        """Another one whenever the same question may have another answer; None: ask each time."""
        if self.fields:  # metadata changes without a trace in the analysis
            return None
        return ",".join(f"{version(one.analysis)}.{one.table}.{one.column}" for one in self.colours)


def version(analysis: Analysis) -> str:
    """Another one after each change of the analysis' result."""
    return f"{analysis.id}@{analysis.changed_at or analysis.finished_at}"


def parse_colour(access: Access, collection: str, text: str) -> Colour:
    """`3f2a9c1d:members.cluster` is that column of that analysis.

    Raises `InvalidInput`, `AnalysisNotFound`.
    """
    match = _COLOUR.fullmatch(text.strip())
    if match is None:
        raise InvalidInput(
            f"{text!r} names no column of an analysis: write ID:TABLE.COLUMN, as in "
            "3f2a9c1d:members.cluster or 3f2a9c1d:outliers.score.",
            colour=text,
        )
    analysis = entries.named(access.store, collection, match["id"])
    return Colour(analysis, match["table"], match["column"])


def points(access: Access, analysis: Analysis, look: Look, limit: int | None = None) -> pa.Table:
    """The map's points, the most representative first; all, or so many."""
    if limit is None:
        table = artefacts.load(access.blobs, analysis, "map")
    else:
        table = artefacts.page(access.blobs, analysis, "map", 0, limit)
    return _seen(access, analysis, table, look)


def tile_points(
    access: Access, analysis: Analysis, place: tuple[int, int, int], look: Look
) -> pa.Table:
    """The points of one tile (z, x, y). Raises `InvalidInput` where there is no such tile.

    Only those parts of the file are read in which they can be.
    """
    import pyarrow.parquet as pq

    left, bottom, right, top = bounds(*place)
    near = [
        ("level", "==", place[0]),
        *(("x", ">=", left), ("x", "<=", right)),
        *(("y", ">=", bottom), ("y", "<=", top)),
    ]
    with artefacts.original(access.blobs, analysis, "map") as file:
        table = pq.read_table(file, filters=near)
    return _seen(access, analysis, tile(table, *place), look)


def names(access: Access, analysis: Analysis, colour: Colour) -> list[dict[str, object]]:
    """Where to write the names of a colour's groups: group, name, x, y, size; largest first.

    Groups of a `clusters` analysis have the names it gave them, others their own value.
    """
    table = artefacts.load(access.blobs, analysis, "map")
    places = name_places(_coloured(access, table, colour), _called(table, colour))
    called = _names_given(access, colour)
    return [
        {**place, "name": called.get(place["group"], str(place["group"]))}
        for place in places.to_pylist()
    ]


def _seen(access: Access, analysis: Analysis, table: pa.Table, look: Look) -> pa.Table:
    table = table.select([*_SHOWN, *(one for one in table.column_names if one not in _SHOWN)])
    for colour in look.colours:
        table = _coloured(access, table, colour)
    if look.fields:
        ids = table["id"].to_pylist()
        found = payloads(access.store, analysis.collection, ids, ("metadata",))
        for name in look.fields:
            values = [label(payload.get("metadata"), name) for payload in found]
            table = labelled(table, f"metadata.{name.removeprefix('metadata.')}", values)
    return table.replace_schema_metadata(None)


def _coloured(access: Access, table: pa.Table, colour: Colour) -> pa.Table:
    values = artefacts.load(access.blobs, colour.analysis, colour.table)
    missing = {"id", colour.column} - set(values.column_names)
    if missing:
        raise InvalidInput(
            f"Table {colour.table!r} of analysis {colour.analysis.id} has no column "
            f"{missing.pop()!r}; it has: {', '.join(values.column_names)}.",
            table=colour.table,
        )
    return coloured(table, _called(table, colour), values, colour.column)


def _called(table: pa.Table, colour: Colour) -> str:
    """What the column is called; in full where that name is taken, as of two clusterings."""
    if colour.column not in table.column_names:
        return colour.column
    return f"{colour.analysis.id}:{colour.table}.{colour.column}"


def _names_given(access: Access, colour: Colour) -> Mapping[object, str]:
    if colour.column != "cluster" or "clusters" not in colour.analysis.tables:
        return {}
    given = artefacts.load(access.blobs, colour.analysis, "clusters")
    pairs = zip(given["cluster"].to_pylist(), given["name"].to_pylist(), strict=True)
    return {cluster: name for cluster, name in pairs if name}
