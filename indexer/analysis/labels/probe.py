"""A linear probe: how well the vectors alone tell the classes of a field apart.

Multinomial logistic regression on a part of the labelled assets, judged on the rest. The strength
is chosen within the first part: what is told of the rest is of assets that had no say in anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from indexer.analysis.labels import learnt
from indexer.analysis.labels.accuracy import confusion, interval, per_class
from indexer.analysis.labels.labelled import OfField, read_labels
from indexer.analysis.labels.learnt import Learnt
from indexer.analysis.labels.prototypes import mean_prototypes, ranked, weight_prototypes
from indexer.analysis.labels.regression import chosen_strength, fit, held_out
from indexer.analysis.method import Method, Outcome
from indexer.analysis.subject import Subject
from indexer.errors import InvalidInput

if TYPE_CHECKING:
    import pyarrow as pa


class ProbeParameters(OfField):
    """Of which field, how much is kept for judging, and how closely the model follows."""

    validation: float = Field(
        0.2, gt=0, lt=1, description="Share of each class that is kept for judging the model."
    )
    strength: float | None = Field(
        None,
        ge=1e-6,
        le=1e6,
        description="How closely the model follows the labels (C of a logistic regression); by "
        "default chosen by how well it does on assets it has not seen.",
    )
    shown: int = Field(
        20, ge=1, le=1000, description="Assets that are told at either end of each class."
    )


def run(subject: Subject, parameters: ProbeParameters) -> Outcome:
    """Tables `classes` (a line each, how well it is told), `confusion` (label, predicted, count),
    `assets` (`id`, `given`, `label` as predicted, `score`, `margin`, `unseen`: the model was not
    fitted to it), `prototypes` (`label`, `vector` of what tells it from the others, `mean` of its
    assets) and `extremes` (`label`, `end` most or least, `rank`, `id`, `cosine`).

    Raises `InvalidInput` if no class has two assets.
    """
    labelled = read_labels(subject, parameters)
    rows, classes = labelled.rows, len(labelled.classes)
    codes = labelled.codes[rows]
    judging = held_out(codes, parameters.validation, parameters.seed)
    if not judging.any():
        raise InvalidInput(
            f"No value of field {parameters.label!r} in collection {subject.collection.name!r} has "
            "two assets: one to learn from and one to judge by.",
            collection=subject.collection.name,
            field=parameters.label,
        )
    train, taught = subject.vectors[rows[~judging]], codes[~judging]
    told = lambda step: subject.progress.step("Fitting", step)  # noqa: E731
    strength = parameters.strength
    if strength is None:
        strength = chosen_strength(train, taught, classes, parameters.seed, told)
    model = fit(train, taught, classes, strength, told)
    said = learnt.predicted(model, subject.vectors, subject.progress)
    unseen = np.ones(len(subject), bool)
    unseen[rows[~judging]] = False
    found = Learnt(
        labelled,
        said,
        unseen,
        confusion(codes[judging], said.codes[rows[judging]], classes),
        weight_prototypes(model),
        mean_prototypes(train, taught, classes),
    )
    right_taught = float((said.codes[rows[~judging]] == taught).mean())
    summary = {**_scores(found), "train_accuracy": right_taught, "strength": strength}
    tables = {**learnt.tables(subject, found), "extremes": _extremes(subject, found, parameters)}
    return Outcome(summary, tables)


def _scores(found: Learnt) -> dict[str, object]:
    matrix = found.confusion
    judged, right = int(matrix.sum()), int(np.trace(matrix))
    there = matrix.sum(axis=1) > 0
    _, _, f1 = per_class(matrix)
    return {
        "classes": list(found.labelled.classes),
        "labelled": int(found.labelled.counts.sum()),
        "validated": judged,
        "accuracy": right / judged,
        "accuracy_between": list(interval(right, judged)),
        "macro_f1": float(f1[there].mean()),
        "most_frequent": float(matrix.sum(axis=1).max() / judged),
    }


def _extremes(subject: Subject, found: Learnt, parameters: ProbeParameters) -> pa.Table:
    import pyarrow as pa

    rows: list[dict[str, object]] = []
    for label, prototype in zip(found.labelled.classes, found.weights, strict=True):
        subject.progress.step("Ranking", 0, len(found.labelled.classes))
        order, cosines = ranked(prototype, subject.vectors)
        shown = min(parameters.shown, len(order))
        for end, places in (("most", range(shown)), ("least", range(-1, -shown - 1, -1))):
            rows += [
                {
                    "id": subject.ids[order[place]],
                    "label": label,
                    "end": end,
                    "rank": rank,
                    "cosine": float(cosines[place]),
                }
                for rank, place in enumerate(places, 1)
            ]
    return pa.Table.from_pylist(rows)


METHOD = Method(
    name="probe",
    promise="How well the vectors tell the values of a metadata field apart, and what is typical.",
    parameters=ProbeParameters,
    run=run,
    least=3,
)
