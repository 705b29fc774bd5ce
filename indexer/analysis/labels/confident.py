"""Confident learning: which given labels are likely wrong (Northcutt, Jiang and Chuang 2021).

From probabilities of classes for each row, made by a model that has not seen the row: a row counts
confidently as of class j if its p(j) reaches the mean p(j) of the rows that were given label j. If
several classes reach it, the most probable of them counts. Who is confidently of another class than
given is a candidate, and the counts of (given, of) are the confident joint.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.labels.labelled import NONE, Codes

Probabilities = NDArray[np.float32]

_ROUNDING = 1e-6
_CELLS = 1_000_000
"""Probabilities that are looked at together: more would be copies of them all in memory."""


@dataclass(frozen=True, slots=True)
class Doubts:
    """What is to be said of the label given to each of n rows.

    `suggested`: the most probable class, with its probability in `scores`. `self_confidence`:
    p(given). `margins`: p(given) less the largest other, from 1 (surely right) to -1 (surely
    wrong). `candidates`: whether it is likely wrong. `joint`: shape (classes, classes), how many
    rows with the label of the line are estimated to be of the class of the column; its lines add up
    to the counts of labels.
    """

    suggested: Codes
    scores: Probabilities
    self_confidence: Probabilities
    margins: Probabilities
    candidates: NDArray[np.bool_]
    joint: NDArray[np.float64]

    @property
    def share_wrong(self) -> float:
        """The estimated share of wrong labels."""
        return float(1 - np.trace(self.joint) / self.joint.sum())


def doubts(given: Codes, probabilities: Probabilities) -> Doubts:
    """Doubts about labels, shape (n,), by probabilities of shape (n, classes).

    Each class is given to at least one row.
    """
    n, classes = probabilities.shape
    rows, labelled = np.arange(n), np.bincount(given, minlength=classes)
    self_confidence = probabilities[rows, given]
    enough = np.bincount(given, self_confidence, classes) / labelled - _ROUNDING
    suggested, sure = np.empty(n, np.int32), np.empty(n, np.int32)
    rivals = np.empty(n, np.float32)
    step = max(1, _CELLS // classes)
    for some in (slice(first, first + step) for first in range(0, n, step)):
        suggested[some] = probabilities[some].argmax(axis=1)
        rivals[some] = _largest_other(given[some], probabilities[some])
        sure[some] = _confidently(probabilities[some], enough)
    counted = np.zeros((classes, classes))
    np.add.at(counted, (given[sure != NONE], sure[sure != NONE]), 1)
    return Doubts(
        suggested,
        probabilities[rows, suggested],
        self_confidence,
        self_confidence - rivals,
        # Not where the model's first choice is the label, however sure it is of another too.
        (sure != NONE) & (sure != given) & (suggested != given),
        _calibrated(counted, labelled),
    )


def _largest_other(given: Codes, probabilities: Probabilities) -> Probabilities:
    others = probabilities.copy()
    others[np.arange(len(given)), given] = -1
    largest: Probabilities = others.max(axis=1)
    return largest


def _confidently(probabilities: Probabilities, enough: NDArray[np.float64]) -> Codes:
    """The class that each row counts as, or `NONE`."""
    reached = probabilities >= enough
    sure = np.where(reached, probabilities, -1).argmax(axis=1).astype(np.int32)
    return np.where(reached.any(axis=1), sure, np.int32(NONE))


def _calibrated(counted: NDArray[np.float64], given: NDArray[np.int64]) -> NDArray[np.float64]:
    """The joint at the size of the whole: each line adds up to how often its label was given."""
    joint = counted.copy()
    # At least one of each class is what it is called.
    np.fill_diagonal(joint, np.maximum(joint.diagonal(), 1))
    calibrated: NDArray[np.float64] = joint * (given / joint.sum(axis=1))[:, None]
    return calibrated
