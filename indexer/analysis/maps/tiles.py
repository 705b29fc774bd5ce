"""Cuts a map into tiles, so that a page need not hold a million points to show a few thousand.

Tile 0/0/0 is the whole map, x and y from -1 to 1; each tile has four children of half its side, as
web maps have: column x counts from the left, row y from the top. A point is in one tile only: the
first, from the top of the pyramid, in which it is among the `POINTS` most representative that have
no place yet. A page shows a tile together with all above it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.maps.frame import Positions
from indexer.errors import InvalidInput

if TYPE_CHECKING:
    import pyarrow as pa

POINTS = 2000
"""Points of a tile, but for the deepest: about 24 kB with x, y and a colour."""

DEEPEST = 16
"""Points that no tile above has a place for are all in here: those that lie in one place."""


def levels(
    positions: Positions, weight: NDArray[np.generic], points: int = POINTS
) -> NDArray[np.int8]:
    """For each point the level of the tile it is in; the heaviest come first.

    Of equally heavy ones the first row comes first. At most 4^z · points are above level z + 1, so
    a million evenly spread points take five levels.
    """
    level = np.full(len(positions), DEEPEST, np.int8)
    left = np.argsort(-weight.astype(np.float64), kind="stable")
    for z in range(DEEPEST):
        if not len(left):
            break
        columns, lines = _cells(positions[left], z)
        tiles = lines << z | columns
        order = np.argsort(tiles, kind="stable")  # inside a tile, the heaviest still first
        grouped = tiles[order]
        place = np.arange(len(grouped)) - np.searchsorted(grouped, grouped)
        taken = np.zeros(len(left), bool)
        taken[order[place < points]] = True
        level[left[taken]] = z
        left = left[~taken]
    return level


def order(positions: Positions, level: NDArray[np.int8]) -> NDArray[np.intp]:
    """Rows level by level, and inside a level those of one tile together: a file in this order is
    read in a few places for a tile, and from its beginning for the most representative."""
    columns, lines = _cells(positions, DEEPEST)
    along = np.zeros(len(positions), np.int64)
    for bit in range(DEEPEST):  # Morton (1966): the bits of both in turn
        along |= (columns >> bit & 1) << 2 * bit | (lines >> bit & 1) << 2 * bit + 1
    return np.lexsort((along, level))


def bounds(z: int, x: int, y: int) -> tuple[float, float, float, float]:
    """Left, bottom, right and top of a tile. Raises `InvalidInput` where there is no such tile."""
    if not (0 <= z <= DEEPEST and 0 <= x < 1 << z and 0 <= y < 1 << z):
        raise InvalidInput(
            f"There is no tile {z}/{x}/{y}: z is 0 to {DEEPEST}, x and y are 0 to 2^z - 1.",
            z=z,
            x=x,
            y=y,
        )
    side = 2 / (1 << z)
    return x * side - 1, 1 - (y + 1) * side, (x + 1) * side - 1, 1 - y * side


def tile(points: pa.Table, z: int, x: int, y: int) -> pa.Table:
    """The rows of a map (columns x, y, level) that are in this tile.

    Raises `InvalidInput` where there is no such tile.
    """
    bounds(z, x, y)
    there = points["level"].to_numpy() == z
    positions = np.stack([points["x"].to_numpy()[there], points["y"].to_numpy()[there]], axis=1)
    columns, lines = _cells(positions, z)
    rows = np.flatnonzero(there)[(columns == x) & (lines == y)]
    return points.take(rows)


def _cells(positions: Positions, z: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    side = 1 << z
    columns = ((positions[:, 0].astype(np.float64) + 1) / 2 * side).astype(np.int64)
    lines = ((1 - positions[:, 1].astype(np.float64)) / 2 * side).astype(np.int64)
    return columns.clip(0, side - 1), lines.clip(0, side - 1)
