"""Whether a former map is kept, and how a new one is turned so that it can be recognised."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.maps.drawing import Drawing, refined
from indexer.analysis.maps.frame import Positions, fit, framed
from indexer.analysis.maps.parameters import MapParameters
from indexer.analysis.maps.placing import placed
from indexer.analysis.subject import Subject

if TYPE_CHECKING:
    import pyarrow as pa

STALE = 0.1
"""A map is drawn anew once more than this share of its assets was placed, or of those drawn is
gone: placed ones find their neighbours, but a class that is new has no region of its own."""

ALIGNED = 3
"""Fewer assets in common do not tell which way round a map was."""

_KEY = b"semblance.map"
_KEPT = frozenset({"umap", "tsne"})


@dataclass(frozen=True, slots=True)
class Former:
    """An earlier map over rows of now: positions, NaN where it has none.

    `drawn`: True for rows that were drawn, not placed. `made`: how it was drawn; empty where that
    is not known.
    """

    positions: Positions
    drawn: NDArray[np.bool_]
    made: Mapping[str, object]

    @property
    def there(self) -> NDArray[np.bool_]:
        known: NDArray[np.bool_] = ~np.isnan(self.positions[:, 0])
        return known


def former(subject: Subject, parameters: MapParameters) -> Former | None:
    """The latest map over this Space and Kind that was drawn as this one is to be, whatever was
    drawn since; if none was, the latest of all. As far as it is of assets that are there."""
    latest: pa.Table | None = None
    for tables in subject.all_earlier("map"):
        table = tables["map"]
        if _as_chosen(_made_of(table), parameters):
            return _over(subject, table)
        latest = table if latest is None else latest
    return None if latest is None else _over(subject, latest)


def _over(subject: Subject, table: pa.Table) -> Former:
    """The map of a table, row by row of the Subject."""
    rows = {id: row for row, id in enumerate(table["id"].to_pylist())}
    found = np.array([rows.get(id, -1) for id in subject.ids], np.int64)
    xy = np.stack([table["x"].to_numpy(), table["y"].to_numpy()], axis=1).astype(np.float32)
    positions = np.full((len(subject), 2), np.nan, np.float32)
    positions[found >= 0] = xy[found[found >= 0]]
    drawn = np.zeros(len(subject), bool)
    drawn[found >= 0] = ~table["placed"].to_numpy()[found[found >= 0]]
    return Former(positions, drawn, _made_of(table))


def _made_of(table: pa.Table) -> Mapping[str, object]:
    found: Mapping[str, object] = json.loads((table.schema.metadata or {}).get(_KEY, b"{}"))
    return found


def kept(subject: Subject, parameters: MapParameters, was: Former) -> Drawing | None:
    """The former map with what is new placed into it; None where it is to be drawn anew."""
    if parameters.redraw or parameters.by not in _KEPT or not _as_chosen(was.made, parameters):
        return None
    if stale_share(was, len(subject)) > STALE:
        return None
    made = was.made
    unit = float(str(made["unit"]))
    positions, new = was.positions, ~was.there
    if new.any():
        graph = subject.graph(parameters.neighbours - 1)
        positions = placed(subject.vectors, graph, positions)
        if unit > 0:
            positions = refined(subject, parameters, positions, new, unit)
    return Drawing(parameters.by, positions, unit=unit)


def stale_share(was: Former, n: int) -> float:
    """How much of a former map is not what it was drawn for: placed or gone, the larger share."""
    drawn = int(was.drawn.sum())
    meant = int(str(was.made.get("drawn", drawn)))
    gone = 1 - drawn / meant if meant else 1.0
    return max(1 - drawn / n, gone)


def aligned(drawing: Drawing, was: Former | None) -> Drawing:
    """A new map, turned (and mirrored) as the former one lay; along axes only mirrored."""
    if was is None or int(was.there.sum()) < ALIGNED:
        return drawing
    common = was.there
    if drawing.columns:
        return _mirrored(drawing, common, was.positions)
    turn = fit(drawing.positions[common], was.positions[common]).turn
    turned = (drawing.positions @ turn).astype(np.float32)
    # Turned, its longer side differs, and with it how long a unit of the map is.
    unit = drawing.unit * float(np.ptp(turned, axis=0).max()) / 2
    return Drawing(drawing.by, framed(turned), unit=unit, note=drawing.note)


def made(parameters: MapParameters, drawing: Drawing, drawn: int) -> dict[bytes, bytes]:
    """What a later run has to know of a map, as metadata of its table."""
    facts = {**_choices(parameters), "drawn": drawn, "unit": drawing.unit}
    facts["by"] = drawing.by
    return {_KEY: json.dumps(facts).encode()}


def _mirrored(drawing: Drawing, common: NDArray[np.bool_], was: Positions) -> Drawing:
    """Axes keep what they mean: each is at most reversed, and not turned into the other."""
    agreed = (drawing.positions[common] * was[common]).sum(axis=0)
    signs = np.where(agreed < 0, -1, 1).astype(np.float32)
    columns = dict(drawing.columns)
    for name, sign in zip(list(columns)[:2], signs, strict=False):
        columns[name] = columns[name] * sign
    return Drawing(
        drawing.by, drawing.positions * signs, columns, drawing.explained, note=drawing.note
    )


def _choices(parameters: MapParameters) -> dict[str, object]:
    relevant = {"by", "neighbours", "min_dist", "perplexity", "seed"}
    return parameters.model_dump(include=relevant)


def _as_chosen(made: Mapping[str, object], parameters: MapParameters) -> bool:
    return all(made.get(name) == value for name, value in _choices(parameters).items())
