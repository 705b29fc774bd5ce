"""What is typical of a class as one vector, and what is most and least like it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.labels.labelled import Codes
from indexer.analysis.labels.regression import Regression

Floats = NDArray[np.float32]


def ranked(prototype: Floats, vectors: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Rows from most to least like a prototype, shape (dimension,), and their cosines with it.

    `vectors` are unit rows. The same order as of a search with the prototype as raw vector.
    """
    cosines = vectors @ (prototype / max(float(np.linalg.norm(prototype)), 1e-12))
    order = np.argsort(-cosines, kind="stable")
    return order, cosines[order]


def weight_prototypes(model: Regression) -> Floats:
    """What tells each class from the mean of all: the model's weights, as unit rows.

    The same amount added to the weights of every class changes no probability, so it is taken out.
    """
    return _unit(model.weights - model.weights.mean(axis=0))


def mean_prototypes(vectors: Floats, codes: Codes, classes: int) -> Floats:
    """The middle of each class, as unit rows; every class has a row."""
    sums = np.zeros((classes, vectors.shape[1]))
    np.add.at(sums, codes, vectors)
    return _unit(sums)


def _unit(rows: NDArray[np.floating]) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), np.float32)
