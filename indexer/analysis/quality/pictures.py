"""What is measured of one picture: light, sharpness, colour, ink."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import PIL.Image
from numpy.typing import NDArray

SIDE: Final = 384
"""Longer side in pixels at which pictures are measured: what they look like on a page."""

MEASURES: Final = ("brightest", "darkest", "sharpness", "colour", "tone", "ink")

_STEP = 4
"""Levels of lightness, of 256, that count as one tone."""
_TILES = 8
_BLUR = 9
_CONTRAST = 1.0
"""Mean change from pixel to pixel, in levels of 256: less says nothing of the lens, as in a sky."""
_INK = 0.12
"""A pixel is ink if its lightness is this far from the most common one, as a share of the
brightest: in a dark photograph all is near."""
_DIM = 0.3


def measure(image: PIL.Image.Image) -> Mapping[str, float]:
    """The MEASURES of a picture in RGB; nothing of it is written to.

    `brightest`: 99th percentile of the strongest channel, and `darkest`: 1st percentile of the
    lightness, 0 black to 1 white. `sharpness`: how much of the change from pixel to pixel a slight
    blur takes away where it takes most, 0 to 1 (after Crete et al. 2007, The blur effect); NaN
    where nothing changes. `colour`: 99th percentile of the spread of the channels, as a share of
    `brightest`. `tone`: the most common lightness; `ink`: share of the pixels that differ from it.
    """
    import cv2

    small = image.copy()
    small.thumbnail((SIDE, SIDE), PIL.Image.Resampling.BOX)
    red, green, blue = cv2.split(np.asarray(small))
    strongest = cv2.max(cv2.max(red, green), blue)
    spread = cv2.subtract(strongest, cv2.min(cv2.min(red, green), blue))
    lightness = np.asarray(small.convert("L"))
    counts = np.bincount(lightness.ravel(), minlength=256)
    tone = int(np.argmax(counts.reshape(-1, _STEP).sum(axis=1))) * _STEP + _STEP // 2
    brightest = _percentile(np.bincount(strongest.ravel(), minlength=256), 0.99)
    bright = max(brightest, _DIM)
    ink = np.abs(np.arange(256) - tone) > 255 * _INK * bright
    return {
        "brightest": brightest,
        "darkest": _percentile(counts, 0.01),
        "sharpness": _sharpness(lightness),
        "colour": _percentile(np.bincount(spread.ravel(), minlength=256), 0.99) / bright,
        "tone": tone / 255,
        "ink": float(counts[ink].sum() / counts.sum()),
    }


def _percentile(counts: NDArray[np.int64], share: float) -> float:
    """The level of 256, as 0 to 1, that this share of the pixels does not exceed."""
    return float(np.searchsorted(np.cumsum(counts), share * counts.sum())) / 255


def _sharpness(lightness: NDArray[np.uint8]) -> float:
    """Of the tiles that have any contrast, the sharpest tenth: a portrait before a blurred garden
    is sharp."""
    import cv2

    grey = lightness.astype(np.float32)
    change, lost = np.zeros_like(grey), np.zeros_like(grey)
    for axis, size in ((0, (1, _BLUR)), (1, (_BLUR, 1))):
        here = _steps(grey, axis)
        after = _steps(np.asarray(cv2.blur(grey, size), np.float32), axis)
        change += here
        lost += np.maximum(here - after, 0)
    tiles = (_TILES, _TILES)
    of_change = np.asarray(cv2.resize(change, tiles, interpolation=cv2.INTER_AREA))
    of_lost = np.asarray(cv2.resize(lost, tiles, interpolation=cv2.INTER_AREA))
    there = of_change > _CONTRAST
    if not there.any():
        return float("nan")
    return float(np.quantile(of_lost[there] / of_change[there], 0.9))


def _steps(grey: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """How far each pixel is from the next one, in the same shape."""
    steps = np.zeros_like(grey)
    if axis == 0:
        steps[:-1] = np.abs(grey[1:] - grey[:-1])
    else:
        steps[:, :-1] = np.abs(grey[:, 1:] - grey[:, :-1])
    return steps
