"""Small grey pictures to be laid upon each other, with their keypoints."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from indexer.analysis.duplicates.hashes import Grey

SIDE = 256
"""Longer side of a view in pixels."""

_KEYPOINTS = 400


@dataclass(frozen=True, slots=True)
class Keypoints:
    """Places (x, y) in a view, shape (n, 2), and what is there, shape (n, 128)."""

    places: NDArray[np.float32]
    descriptors: NDArray[np.float32]


@dataclass(frozen=True)
class View:
    """A picture small: grey of shape (height, width), and `chroma`, its mean distance from grey.

    `size` is the (width, height) of the original in pixels.
    """

    grey: Grey
    chroma: float
    size: tuple[int, int]

    @cached_property
    def keypoints(self) -> Keypoints:
        """SIFT keypoints (Lowe 2004)."""
        return _keypoints(self.grey)

    @property
    def mirrored(self) -> Grey:
        """Its greys from behind."""
        return np.ascontiguousarray(self.grey[:, ::-1])

    @property
    def mirrored_keypoints(self) -> Keypoints:
        """The keypoints it has from behind.

        They need not be looked for: a descriptor is 4 × 4 fields of 8 directions, seen along the
        keypoint's own direction. Mirroring swaps left and right of it.
        """
        places, descriptors = self.keypoints.places.copy(), self.keypoints.descriptors
        places[:, 0] = self.grey.shape[1] - 1 - places[:, 0]
        fields = descriptors.reshape(-1, 4, 4, 8)[:, ::-1]
        seen = fields[..., [0, 7, 6, 5, 4, 3, 2, 1]].reshape(-1, 128)
        return Keypoints(places, np.ascontiguousarray(seen))

    @property
    def pixels(self) -> int:
        """How many the original has."""
        return self.size[0] * self.size[1]

    @cached_property
    def contrast(self) -> float:
        """The standard deviation of its greys, of 255."""
        return float(self.grey.std())


def view_of(image: PIL.Image.Image, size: tuple[int, int] | None = None) -> View:
    """An RGB picture as a view; `size` is the original's where the picture is a draft of it."""
    original = size or image.size
    small = image
    if max(image.size) > SIDE:
        small = image.copy() if max(image.size) <= 4 * SIDE else image.reduce(2)
        small.thumbnail((SIDE, SIDE), PIL.Image.Resampling.BICUBIC)
    colours = np.asarray(small, np.int16)
    spread = colours.max(axis=2) - colours.min(axis=2)
    return View(np.asarray(small.convert("L")), float(spread.mean()), original)


def _keypoints(grey: Grey) -> Keypoints:
    import cv2

    found, descriptors = cv2.SIFT.create(_KEYPOINTS).detectAndCompute(grey, None)
    if not found:
        return Keypoints(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32))
    # Hellinger distances tell apart better than Euclidean ones (RootSIFT, Arandjelović 2012)
    unit = descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6)
    places = np.array([point.pt for point in found], np.float32)
    return Keypoints(places, np.sqrt(unit).astype(np.float32))
