"""What is around a picture that lies within another: more of it, a border, or something else."""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.duplicates.geometry import Laid
from indexer.analysis.duplicates.views import View


class Surroundings(Enum):
    """MORE: the picture goes on. PLAIN: one colour. OTHER: it was set into something else."""

    MORE = "more"
    PLAIN = "plain"
    OTHER = "other"


_LIKE_THE_MEDIAN = 12
_MOSTLY = 0.88
_EDGE = 1.7


def surroundings(outer: View, inner: View, laid: Laid) -> Surroundings:
    """What the outer picture shows where the inner one, laid upon it, does not cover it.

    A crop's edges run through the middle of things; where a picture was set into a border or a
    window, its outline is an edge of its own.
    """
    import cv2

    seen = inner.mirrored if laid.mirrored else inner.grey
    height, width = outer.grey.shape
    shadow = cv2.warpAffine(np.full_like(seen, 255), laid.matrix, (width, height))
    covered = (np.asarray(shadow) > 127).astype(np.uint8)
    wide, narrow = _grown(covered, 2), _grown(1 - covered, 2) == 0
    around = outer.grey[wide == 0]
    if len(around) >= 20:
        near = np.abs(around.astype(np.int16) - int(np.median(around))) <= _LIKE_THE_MEDIAN
        if near.mean() >= _MOSTLY:
            return Surroundings.PLAIN
    across = cv2.Sobel(outer.grey, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(outer.grey, cv2.CV_32F, 0, 1)
    steep = np.hypot(across, down)
    outline = (wide == 1) & ~narrow
    if not outline.any() or not narrow.any():
        return Surroundings.MORE
    inside = max(float(steep[narrow].mean()), 8.0)
    return Surroundings.OTHER if steep[outline].mean() > _EDGE * inside else Surroundings.MORE


def _grown(mask: NDArray[np.uint8], by: int) -> NDArray[np.uint8]:
    import cv2

    return np.asarray(cv2.dilate(mask, np.ones((2 * by + 1, 2 * by + 1), np.uint8)), np.uint8)
