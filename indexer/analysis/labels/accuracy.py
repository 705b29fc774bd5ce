"""How right a classifier is, from a confusion matrix: lines are true classes, columns said ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.labels.labelled import Codes

Counts = NDArray[np.int64]


def confusion(true: Codes, said: Codes, classes: int) -> Counts:
    """Shape (classes, classes): how often each true class was taken for each."""
    found = np.zeros((classes, classes), np.int64)
    np.add.at(found, (true, said), 1)
    return found


def per_class(matrix: Counts) -> tuple[NDArray[np.float64], ...]:
    """Precision, recall and F1 of each class; 0 where there is nothing to divide by."""
    hits = matrix.diagonal().astype(np.float64)
    precision, recall = _share(hits, matrix.sum(axis=0)), _share(hits, matrix.sum(axis=1))
    return precision, recall, _share(2 * precision * recall, precision + recall)


def interval(right: int, of: int) -> tuple[float, float]:
    """Where the share of right ones lies, 95 % sure (Wilson 1927)."""
    z = 1.96
    middle = (right + z**2 / 2) / (of + z**2)
    half = z / (of + z**2) * math.sqrt(right * (of - right) / of + z**2 / 4)
    return max(0.0, middle - half), min(1.0, middle + half)


def _share(part: NDArray[np.float64], whole: NDArray[Any]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = np.divide(part, whole, where=whole > 0, out=np.zeros(len(part)))
    return shares
