"""What a probe has learnt, as tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.labels.accuracy import Counts, per_class
from indexer.analysis.labels.labelled import Codes, Labelled
from indexer.analysis.labels.regression import Regression
from indexer.analysis.method import Progress
from indexer.analysis.subject import Subject

if TYPE_CHECKING:
    import pyarrow as pa

_BLOCK = 16_384

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Predicted:
    """Of each of n rows the class that the model says, its chance, and its lead."""

    codes: Codes
    scores: Floats
    margins: Floats


@dataclass(frozen=True, slots=True)
class Learnt:
    """`unseen`: the rows that the model was not fitted to. `confusion` is of those with a label.

    `weights` and `means` are prototypes, unit rows of shape (classes, dimension).
    """

    labelled: Labelled
    predicted: Predicted
    unseen: NDArray[np.bool_]
    confusion: Counts
    weights: Floats
    means: Floats


def predicted(model: Regression, vectors: Floats, progress: Progress) -> Predicted:
    """What the model says of every row."""
    n = len(vectors)
    found = Predicted(np.empty(n, np.int32), np.empty(n, np.float32), np.empty(n, np.float32))
    for first in range(0, n, _BLOCK):
        progress.step("Predicting", first, n)
        part = slice(first, first + _BLOCK)
        chances = model.probabilities(vectors[part])
        found.codes[part] = chances.argmax(axis=1)
        best = np.partition(chances, -2, axis=1)
        found.scores[part] = best[:, -1]
        found.margins[part] = best[:, -1] - best[:, -2]
    return found


def tables(subject: Subject, found: Learnt) -> dict[str, pa.Table]:
    """`classes`, `confusion`, `assets` and `prototypes`."""
    return {
        "classes": _classes(found),
        "confusion": _confusion(found),
        "assets": _assets(subject, found),
        "prototypes": _prototypes(found),
    }


def _classes(found: Learnt) -> pa.Table:
    """The worst told first; null where none was there to judge by."""
    import pyarrow as pa

    judged = found.confusion.sum(axis=1)
    nothing = judged == 0
    precision, recall, f1 = per_class(found.confusion)
    order = np.lexsort((-judged, f1, nothing))
    measures = {"precision": precision, "recall": recall, "f1": f1}
    return pa.table(
        {
            "label": [found.labelled.classes[code] for code in order],
            "labelled": found.labelled.counts[order],
            "validated": judged[order],
            **{
                name: pa.array(values[order], mask=nothing[order])
                for name, values in measures.items()
            },
        }
    )


def _confusion(found: Learnt) -> pa.Table:
    import pyarrow as pa

    classes, matrix = found.labelled.classes, found.confusion
    given, said = np.nonzero(matrix)
    order = np.lexsort((-matrix[given, said], given == said))
    return pa.table(
        {
            "label": [classes[code] for code in given[order]],
            "predicted": [classes[code] for code in said[order]],
            "count": matrix[given[order], said[order]],
        }
    )


def _assets(subject: Subject, found: Learnt) -> pa.Table:
    """The unseen first, the surest first among them."""
    import pyarrow as pa

    said, labelled = found.predicted, found.labelled
    order = np.lexsort((-said.scores, ~found.unseen))
    return pa.table(
        {
            "id": pa.array([subject.ids[row] for row in order], pa.string()),
            "given": pa.array([labelled.name(labelled.codes[row]) for row in order], pa.string()),
            "label": pa.array([labelled.name(said.codes[row]) for row in order], pa.string()),
            "score": said.scores[order],
            "margin": said.margins[order],
            "unseen": found.unseen[order],
        }
    )


def _prototypes(found: Learnt) -> pa.Table:
    import pyarrow as pa

    lists = pa.list_(pa.float32())
    return pa.table(
        {
            "label": list(found.labelled.classes),
            "vector": pa.array(found.weights.tolist(), lists),
            "mean": pa.array(found.means.tolist(), lists),
        }
    )
