"""A map as a picture, to look at without a page: points in colours, and names where they belong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
from numpy.typing import NDArray

from indexer.analysis.maps.frame import Positions

_GROUND, _INK, _UNKNOWN = (255, 255, 255), (24, 28, 36), (176, 180, 188)

# Told apart by most who see colours differently (Okabe & Ito 2008), then darker ones of the like.
_COLOURS = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (213, 94, 0),
    (204, 121, 167),
    (86, 180, 233),
    (148, 138, 0),
    (102, 51, 153),
    (140, 86, 75),
    (0, 88, 96),
    (190, 30, 80),
    (110, 150, 50),
)
_MARGIN = 0.06
_SHARPER = 2
"""Drawn this much larger and scaled down: edges are smooth."""

_NAMED = 30
"""More names than these are not read."""


@dataclass(frozen=True, slots=True)
class Name:
    """A group's name and where it is written, in the map's units."""

    text: str
    x: float
    y: float


def picture(
    positions: Positions, groups: NDArray[np.integer], names: Sequence[Name], side: int
) -> PIL.Image.Image:
    """A square RGB picture of so many pixels a side.

    `groups`: the colour of each point, from 0, negative for none; colours come again after twelve.
    The first thirty names are written, where one would cover another a little below.
    """
    large = side * _SHARPER
    canvas = np.full((large, large, 3), 255.0, np.float32)
    _dots(canvas, positions, groups)
    drawn = PIL.Image.fromarray(canvas.astype(np.uint8))
    drawn = drawn.resize((side, side), PIL.Image.Resampling.LANCZOS)
    _write(PIL.ImageDraw.Draw(drawn), names[:_NAMED], side)
    return drawn


def _dots(canvas: NDArray[np.float32], positions: Positions, groups: NDArray[np.integer]) -> None:
    """Add each point as a disc, half transparent: where many lie, the colour is full."""
    side = canvas.shape[0]
    radius = float(np.clip(side / (2.2 * max(len(positions), 1) ** 0.5), 1, side / 160))
    opacity = 0.8 if radius > 4 else 0.55
    reach = np.arange(-int(radius), int(radius) + 1)
    disc = [(dx, dy) for dx in reach for dy in reach if dx * dx + dy * dy <= radius * radius]
    colours = np.array([*_COLOURS, _UNKNOWN], np.float32)
    of = np.where(groups < 0, len(_COLOURS), groups % len(_COLOURS))
    columns, lines = _pixels(positions, side).T
    # Points without a group first, so that they cover none that has one.
    order = np.argsort(groups >= 0, kind="stable")
    for dx, dy in disc:
        x, y = columns[order] + dx, lines[order] + dy
        canvas[y, x] = canvas[y, x] * (1 - opacity) + colours[of[order]] * opacity


def _pixels(positions: Positions, side: int) -> NDArray[np.int64]:
    scaled = positions.astype(np.float64) * [1, -1] * (1 - 2 * _MARGIN)
    pixels: NDArray[np.int64] = ((scaled + 1) / 2 * (side - 1)).astype(np.int64)
    return pixels


def _write(draw: PIL.ImageDraw.ImageDraw, names: Sequence[Name], side: int) -> None:
    font = PIL.ImageFont.load_default(max(11, side // 60))
    taken: list[tuple[float, float, float, float]] = []
    for name in names:
        x, y = _pixels(np.array([[name.x, name.y]], np.float32), side)[0]
        text = name.text if len(name.text) <= 40 else f"{name.text[:39]}…"
        left, top, right, bottom = draw.textbbox((0, 0), text, font=font, stroke_width=2)
        width, height = right - left, bottom - top
        at = [float(np.clip(x - width / 2, 2, side - width - 2)), float(y - height / 2)]
        while any(_covers(at, width, height, other) for other in taken):
            at[1] += height / 2
        taken.append((at[0], at[1], at[0] + width, at[1] + height))
        place = (at[0] - left, at[1] - top)
        draw.text(place, text, _INK, font, stroke_width=2, stroke_fill=_GROUND)


def _covers(
    at: Sequence[float], width: float, height: float, other: tuple[float, float, float, float]
) -> bool:
    left, top, right, bottom = other
    return at[0] < right and at[0] + width > left and at[1] < bottom and at[1] + height > top
