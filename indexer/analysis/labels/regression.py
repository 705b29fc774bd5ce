"""Multinomial logistic regression on vectors, and how rows are held out of it.

Features are (x - mean) / spread, one spread for all dimensions, so that a strength means the same
in every Space. Minimised, by L-BFGS from zero, is

    sum of -log p(class of row)  +  |W|^2 / (2 strength)

which is scikit-learn's LogisticRegression with C = strength; the offsets b go free. Written out,
for it must stop when a person cancels, and tell nobody's warnings from a thread of a server. Each
step costs two products of n x dimension x classes, 20 billion operations at 100,000 x 512 x 100;
a fit takes fifteen to a hundred of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.labels.labelled import Codes

STRENGTHS = (0.0001, 0.001, 0.01, 0.1, 1.0, 10.0)
"""What is tried, from the simplest model to the most pliant."""

CHOOSING_ROWS = 20_000
"""Rows that are enough to choose a strength by."""

_BLOCK = 16_384
_STEPS = 300

Floats = NDArray[np.float32]
Told = Callable[[int], object]
"""Hears of each step of a fit, and may raise to end it."""


@dataclass(frozen=True, slots=True)
class Regression:
    """A fitted model: logits are x W^T + b, for unit rows x as they are.

    `weights`: shape (classes, dimension); `offsets`: shape (classes,).
    """

    weights: Floats
    offsets: Floats

    def probabilities(self, vectors: Floats) -> Floats:
        """Shape (n, classes); rows add up to 1."""
        found = np.empty((len(vectors), len(self.offsets)), np.float32)
        for first in range(0, len(vectors), _BLOCK):
            part = slice(first, first + _BLOCK)
            found[part] = softmax(vectors[part] @ self.weights.T + self.offsets)
        return found


def fit(
    vectors: Floats, codes: Codes, classes: int, strength: float, told: Told = lambda _: None
) -> Regression:
    """The model of least loss on these rows, shape (n, dimension), and their classes."""
    from scipy.optimize import minimize

    mean = vectors.mean(axis=0, dtype=np.float64)
    spread = max(float(np.sqrt(np.mean(vectors.var(axis=0, dtype=np.float64)))), 1e-6)
    shape = (classes, vectors.shape[1] + 1)
    evaluations = 0

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        nonlocal evaluations
        evaluations += 1
        told(evaluations)
        solution = flat.reshape(shape)
        lost, slopes = _loss(vectors, codes, *_unscaled(solution, mean, spread))
        weights = solution[:, :-1]
        slopes[:, :-1] = (slopes[:, :-1] - np.outer(slopes[:, -1], mean)) / spread
        slopes[:, :-1] += weights / strength
        lost += float((weights**2).sum()) / (2 * strength)
        return lost / len(vectors), slopes.ravel() / len(vectors)

    options = {"maxiter": _STEPS, "ftol": 1e-8, "gtol": 1e-5}
    start = np.zeros(shape[0] * shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
    weights, offsets = _unscaled(found.x.reshape(shape), mean, spread)
    return Regression(weights, offsets)


def chosen_strength(
    vectors: Floats, codes: Codes, classes: int, seed: int, told: Told = lambda _: None
) -> float:
    """The strength whose model gives a held-out fifth of the rows the best chances.

    Looks at `CHOOSING_ROWS` random rows at most.
    """
    if len(codes) > CHOOSING_ROWS:
        some = np.random.default_rng(seed).choice(len(codes), CHOOSING_ROWS, replace=False)
        vectors, codes = vectors[some], codes[some]
    out = held_out(codes, 0.2, seed)
    if not out.any():
        return 1.0
    rows = np.flatnonzero(out)
    losses = []
    for strength in STRENGTHS:
        model = fit(vectors[~out], codes[~out], classes, strength, told)
        given = model.probabilities(vectors[rows])[np.arange(len(rows)), codes[rows]]
        losses.append(-float(np.log(np.maximum(given, 1e-12)).mean()))
    return STRENGTHS[int(np.argmin(losses))]


def held_out(codes: Codes, share: float, seed: int) -> NDArray[np.bool_]:
    """Which rows are held out: this share of each class, at least one and never all of it.

    A class with one row has none held out.
    """
    out = np.zeros(len(codes), bool)
    for rows in _shuffled(codes, seed):
        out[rows[: min(max(1, round(share * len(rows))), len(rows) - 1)]] = True
    return out


def folds(codes: Codes, count: int, seed: int) -> NDArray[np.int64]:
    """The fold, from 0, of each row: every class is dealt out evenly."""
    fold = np.zeros(len(codes), np.int64)
    dealt = 0
    for rows in _shuffled(codes, seed):
        fold[rows] = (dealt + np.arange(len(rows))) % count
        dealt += len(rows)
    return fold


def softmax(logits: Floats) -> Floats:
    """Shares that add up to 1 in each row."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _shuffled(codes: Codes, seed: int) -> Sequence[NDArray[np.int64]]:
    """The rows of each class, in random order."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)


def _unscaled(
    solution: NDArray[np.float64], mean: NDArray[np.float64], spread: float
) -> tuple[Floats, Floats]:
    """Weights and offsets for the rows as they are, from those for centred and scaled features."""
    weights = solution[:, :-1] / spread
    return weights.astype(np.float32), (solution[:, -1] - weights @ mean).astype(np.float32)


def _loss(
    vectors: Floats, codes: Codes, weights: Floats, offsets: Floats
) -> tuple[float, NDArray[np.float64]]:
    """The sum of losses, and its slope by weights and offsets, shape (classes, dimension + 1)."""
    lost = 0.0
    slopes = np.zeros((len(offsets), vectors.shape[1] + 1))
    for first in range(0, len(vectors), _BLOCK):
        x, y = vectors[first : first + _BLOCK], codes[first : first + _BLOCK]
        shares = softmax(x @ weights.T + offsets)
        rows = np.arange(len(y))
        lost -= float(np.log(np.maximum(shares[rows, y], 1e-30)).sum(dtype=np.float64))
        shares[rows, y] -= 1
        slopes[:, :-1] += shares.T @ x
        slopes[:, -1] += shares.sum(axis=0, dtype=np.float64)
    return lost, slopes
