"""Brings maps into one frame: within -1…1, and turned as a former one was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.float32]
"""Shape (n, 2)."""


def framed(positions: Positions) -> Positions:
    """Moved and scaled so that the longer side spans -1…1 and the middle is 0; aspect kept.

    Points that all lie in one place lie at 0.
    """
    if not len(positions):
        return positions.astype(np.float32)
    low, high = positions.min(axis=0), positions.max(axis=0)
    half = max(float((high - low).max()) / 2, 1e-12)
    moved: Positions = ((positions - (low + high) / 2) / half).astype(np.float32)
    return moved.clip(-1, 1)  # rounding may lead past the edge


@dataclass(frozen=True, slots=True)
class Fit:
    """How a map is laid over another: `(positions - centre) @ turn * scale + onto`.

    `turn` is a rotation, or one with a reflection. `residual` is 0 where the maps agree wholly and
    1 where they have nothing in common: the share of the spread that stays unexplained.
    """

    centre: NDArray[np.float64]
    turn: NDArray[np.float64]
    scale: float
    onto: NDArray[np.float64]
    residual: float

    def of(self, positions: Positions) -> Positions:
        """These positions, laid over the other map."""
        laid: Positions = ((positions - self.centre) @ self.turn * self.scale + self.onto).astype(
            np.float32
        )
        return laid


def fit(moving: Positions, still: Positions) -> Fit:
    """The rotation, reflection, scale and shift that bring rows nearest their counterparts.

    Procrustes analysis (Gower 1975; Schönemann 1966). A map without spread, or with one row, is
    moved and neither turned nor scaled.
    """
    centre, onto = moving.mean(axis=0, dtype=np.float64), still.mean(axis=0, dtype=np.float64)
    a, b = moving - centre, still - onto
    spread_a, spread_b = float((a * a).sum()), float((b * b).sum())
    if spread_a < 1e-12 or spread_b < 1e-12:
        same = spread_a < 1e-12 and spread_b < 1e-12
        return Fit(centre, np.eye(2), 1.0, onto, 0.0 if same else 1.0)
    left, strengths, right = np.linalg.svd(a.T @ b)
    agreed = float(strengths.sum())
    residual = max(0.0, 1 - agreed**2 / (spread_a * spread_b))
    return Fit(centre, left @ right, agreed / spread_a, onto, residual)
