"""What is measured of one picture: light, sharpness, detail, colour, ink."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import PIL.Image
from numpy.typing import NDArray

SIDE: Final = 384
"""Longer side in pixels at which pictures are measured: what they look like on a page."""

MEASURES: Final = ("brightest", "darkest", "sharpness", "detail", "colour", "tone", "ink")

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_TILES = 8
_INK = 0.12
"""A pixel is ink if its lightness is this far from the commonest one, as a share of the brightest:
in a dark photograph all is near."""
_DIM = 0.3


def measure(image: PIL.Image.Image) -> Mapping[str, float]:
    """The MEASURES of a picture in RGB; nothing of it is written to.

    `brightest`: 99th percentile of the strongest channel, and `darkest`: 1st percentile of the
    lightness, 0 black to 1 white. `sharpness`:
    how much of the change from pixel to pixel a slight blur takes away where it takes most, 0 to 1
    (after Crete et al. 2007, The blur effect). `detail`: entropy of the lightness, in bits, at most
    6. `colour`: 99th percentile of the spread of the channels, 0 to 1. `tone`: the most
    common lightness; `ink`: share of the pixels that differ from it.
    """
    small = image.copy()
    small.thumbnail((SIDE, SIDE), PIL.Image.Resampling.BOX)
    pixels = np.asarray(small, np.float32) / 255
    lightness = np.asarray(pixels @ _LUMA, np.float32)
    counts = np.histogram(lightness, bins=64, range=(0, 1))[0]
    tone = (float(np.argmax(counts)) + 0.5) / 64
    brightest = float(np.percentile(pixels.max(axis=2), 99))
    far = _INK * max(brightest, _DIM)
    return {
        "brightest": brightest,
        "darkest": float(np.percentile(lightness, 1)),
        "sharpness": _sharpness(lightness),
        "detail": _entropy(counts),
        "colour": float(np.percentile(np.ptp(pixels, axis=2), 99)),
        "tone": tone,
        "ink": float((np.abs(lightness - tone) > far).mean()),
    }


def _entropy(counts: NDArray[np.int64]) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def _sharpness(lightness: NDArray[np.float32]) -> float:
    """Of the tiles that have any contrast, the sharpest tenth: a portrait before a blurred garden
    is sharp."""
    import cv2

    lost, change = np.zeros_like(lightness), np.zeros_like(lightness)
    for axis, size in ((0, (1, 9)), (1, (9, 1))):
        blurred = cv2.blur(lightness, size)
        here = np.abs(np.diff(lightness, axis=axis))
        after = np.abs(np.diff(blurred, axis=axis))
        inside = tuple(slice(0, length) for length in here.shape)
        change[inside] += here
        lost[inside] += np.maximum(here - after, 0)
    tiles = (_TILES, _TILES)
    of_change = np.asarray(cv2.resize(change, tiles, interpolation=cv2.INTER_AREA))
    of_lost = np.asarray(cv2.resize(lost, tiles, interpolation=cv2.INTER_AREA))
    there = of_change > 0.004  # a smooth sky says nothing of the lens
    if not there.any():
        return 0.0
    return float(np.quantile(of_lost[there] / of_change[there], 0.9))
