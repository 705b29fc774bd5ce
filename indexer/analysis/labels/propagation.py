"""Labels of some assets spread to those that have none, along the neighbour graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from indexer.analysis.labels.labelled import NONE, Codes, Labelled, OfField, read_labels
from indexer.analysis.labels.regression import held_out
from indexer.analysis.labels.spreading import Spread, affinities, spread
from indexer.analysis.method import Method, Outcome
from indexer.analysis.subject import Subject

if TYPE_CHECKING:
    import pyarrow as pa


class PropagationParameters(OfField):
    """From which field, how far, and how much is held back to see how well it goes."""

    k: int = Field(10, ge=1, le=200, description="Neighbours of each asset that it hears from.")
    alpha: float = Field(
        0.9,
        gt=0,
        lt=1,
        description="How far labels travel: near 0 to the neighbours alone, near 1 through the "
        "whole collection.",
    )
    check: float = Field(
        0.2,
        ge=0,
        le=0.9,
        description="Share of the labels that is hidden at first, to count how many come back "
        "right; 0 for no such check.",
    )


def run(subject: Subject, parameters: PropagationParameters) -> Outcome:
    """Table `assets`, of those without a label, surest first: `id`, `label` (null where nothing
    arrived), `score` (the label's share of all that arrived) and `margin` to the second best.
    """
    labelled = read_labels(subject, parameters)
    subject.progress.step("Finding neighbours")
    weights = affinities(subject.graph(parameters.k))
    classes = len(labelled.classes)

    def spread_from(codes: Codes, what: str) -> Spread:
        told = lambda done: subject.progress.step(what, done, classes)  # noqa: E731
        return spread(weights, codes, classes, parameters.alpha, told)

    hidden = _hidden(labelled, parameters)
    checked = None
    if len(hidden):
        codes = labelled.codes.copy()
        codes[hidden] = NONE
        again = spread_from(codes, "Checking with hidden labels").codes[hidden]
        checked = {
            "hidden": len(hidden),
            "reached": int((again != NONE).sum()),
            "right": float((again == labelled.codes[hidden]).mean()),
        }
    found = spread_from(labelled.codes, "Spreading labels")
    new = np.flatnonzero(labelled.codes == NONE)
    arrived = new[found.codes[new] != NONE]
    counts = np.bincount(found.codes[arrived], minlength=classes)
    summary = {
        "classes": list(labelled.classes),
        "labelled": int(labelled.counts.sum()),
        "given": dict(zip(labelled.classes, labelled.counts.tolist(), strict=True)),
        "found": dict(zip(labelled.classes, counts.tolist(), strict=True)),
        "unreached": len(new) - len(arrived),
        "check": checked,
    }
    return Outcome(summary, {"assets": _table(subject, labelled, found, new)})


def _hidden(labelled: Labelled, parameters: PropagationParameters) -> np.ndarray:
    rows = labelled.rows
    if parameters.check == 0:
        return rows[:0]
    return rows[held_out(labelled.codes[rows], parameters.check, parameters.seed)]


def _table(subject: Subject, labelled: Labelled, found: Spread, new: np.ndarray) -> pa.Table:
    import pyarrow as pa

    order = new[np.argsort(-found.scores[new], kind="stable")]
    return pa.table(
        {
            "id": pa.array([subject.ids[row] for row in order], pa.string()),
            "label": pa.array([labelled.name(found.codes[row]) for row in order], pa.string()),
            "score": found.scores[order],
            "margin": found.margins[order],
        }
    )


METHOD = Method(
    name="propagation",
    promise="Labels for assets that have none, from their neighbours that have one.",
    parameters=PropagationParameters,
    run=run,
)
