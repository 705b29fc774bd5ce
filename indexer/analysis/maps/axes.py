"""Maps along straight axes: where the vectors vary most, or where labels differ most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.errors import InvalidInput

_ROWS = 1 << 14
_LEARNT = 50_000
"""So many labelled rows are enough to find the axes; all are drawn."""


@dataclass(frozen=True, slots=True)
class Axes:
    """`scores`: float32 (n, axes), centred. `explained`: the share of what is to be explained that
    each axis shows, largest first: of the variance (PCA), or of what tells classes apart (LDA)."""

    scores: NDArray[np.float32]
    explained: tuple[float, ...]


def principal(vectors: NDArray[np.float32], count: int) -> Axes:
    """The axes of the largest variance, exact; fewer where there are not so many dimensions.

    Each points to where its largest loading is positive, so that a re-run does not flip.
    """
    mean = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    scatter = np.zeros((vectors.shape[1],) * 2)
    for first in range(0, len(vectors), _ROWS):
        block = vectors[first : first + _ROWS] - mean
        scatter += block.T @ block
    variances, directions = np.linalg.eigh(scatter)
    count = min(count, vectors.shape[1])
    largest = _signed(directions[:, ::-1][:, :count])
    total = max(float(variances.clip(0).sum()), 1e-12)
    explained = tuple(float(share) for share in variances[::-1][:count].clip(0) / total)
    return Axes(_along(vectors, mean, largest), explained)


def discriminant(
    vectors: NDArray[np.float32], labels: Sequence[str | None], seed: int, field: str
) -> Axes:
    """Two axes along which the classes differ most for how much they vary inside.

    Linear discriminant analysis (Fisher 1936; Rao 1948) with the covariance inside the classes
    shrunk as Ledoit & Wolf (2004) do: without, more dimensions than examples would tell any
    classes apart. Rows without a label are drawn along the same axes. Two classes differ along one
    axis; the second is then the largest variance across it. Raises `InvalidInput` where fewer
    than two classes are there.
    """
    from scipy.linalg import eigh
    from sklearn.covariance import ledoit_wolf

    classes = sorted({label for label in labels if label is not None})
    if len(classes) < 2:
        raise InvalidInput(_too_few(field, classes), field=field, classes=classes)
    codes = {label: code for code, label in enumerate(classes)}
    coded = np.array([-1 if label is None else codes[label] for label in labels])
    rows = _chosen(np.flatnonzero(coded >= 0), seed)
    known, of = vectors[rows].astype(np.float64), coded[rows]
    present, of = np.unique(of, return_inverse=True)
    sizes = np.bincount(of).astype(np.float64)
    means = np.zeros((len(present), known.shape[1]))
    np.add.at(means, of, known)
    means /= sizes[:, None]
    inside = ledoit_wolf(known - means[of], assume_centered=True)[0]
    inside += np.eye(len(inside)) * max(float(np.trace(inside)) / len(inside), 1e-9) * 1e-6
    mean = known.mean(axis=0)
    apart = (means - mean) * np.sqrt(sizes / len(known))[:, None]
    strengths, directions = eigh(apart.T @ apart, inside)
    total = max(float(strengths.clip(0).sum()), 1e-12)
    explained = [float(share) for share in strengths[::-1][:2].clip(0) / total]
    axes = _signed(directions[:, ::-1][:, :2])
    scores = _along(vectors, mean.astype(np.float32), axes)
    if len(present) == 2:
        scores[:, 1], explained[1:] = _across(vectors, axes[:, 0]), [0.0]
    return Axes(scores, tuple(explained))


def _across(vectors: NDArray[np.float32], axis: NDArray[np.float64]) -> NDArray[np.float32]:
    """Scores along the largest variance at a right angle to an axis, in the axis' own units."""
    length = float(np.linalg.norm(axis))
    unit = (axis / length).astype(np.float32)
    rest = vectors - np.outer(vectors @ unit, unit)
    return principal(rest, 1).scores[:, 0] * np.float32(length)


def _along(
    vectors: NDArray[np.float32], mean: NDArray[np.float32], axes: NDArray[np.float64]
) -> NDArray[np.float32]:
    narrow = axes.astype(np.float32)
    scores: NDArray[np.float32] = vectors @ narrow - mean @ narrow
    return scores


def _signed(axes: NDArray[np.float64]) -> NDArray[np.float64]:
    largest = np.abs(axes).argmax(axis=0)
    signs = np.sign(axes[largest, np.arange(axes.shape[1])])
    signed: NDArray[np.float64] = axes * np.where(signs == 0, 1, signs)
    return signed


def _chosen(rows: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
    if len(rows) <= _LEARNT:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, _LEARNT, replace=False))


def _too_few(field: str, classes: Sequence[str]) -> str:
    found = f"has only the value {classes[0]!r}" if classes else "has no value"
    return (
        f"The metadata field {field!r} {found} among these assets; LDA needs two or more. Choose "
        "another label field, or draw the map by umap or pca."
    )
