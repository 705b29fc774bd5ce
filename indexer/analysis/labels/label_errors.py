"""Labels that are likely wrong: those that the vectors, without having seen them, speak against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from indexer.analysis.labels.confident import Doubts, Probabilities, doubts
from indexer.analysis.labels.labelled import Codes, Labelled, OfField, read_labels
from indexer.analysis.labels.regression import chosen_strength, fit, folds
from indexer.analysis.method import Method, Outcome, Progress
from indexer.analysis.subject import Subject
from indexer.errors import InvalidInput

if TYPE_CHECKING:
    import pyarrow as pa

Rows = NDArray[np.int64]


class LabelErrorParameters(OfField):
    """Whose labels are doubted, and how the doubting model is fitted."""

    folds: int = Field(
        5,
        ge=2,
        le=20,
        description="Parts that the labelled assets are dealt into: each is judged by a model "
        "fitted to the others.",
    )
    strength: float | None = Field(
        None,
        ge=1e-6,
        le=1e6,
        description="How closely the model follows the labels (C of a logistic regression); by "
        "default chosen by how well it does on assets it has not seen.",
    )


def run(subject: Subject, parameters: LabelErrorParameters) -> Outcome:
    """Table `assets`, the likely wrong ones first and the most doubtful first among them: `id`,
    `given`, `suggested` and its chance as `score`, `self_confidence` (chance of the given label),
    `margin` (that, less the chance of the likeliest other), `candidate`. Table `confusions`: how
    many assets `given` one label are `estimated` to be `suggested` another, most first.

    Raises `InvalidInput` unless two classes have two assets each. Classes with one are left out.
    """
    labelled = read_labels(subject, parameters)
    kept, rows, given = _learnable(subject, labelled, parameters)
    classes = [labelled.classes[code] for code in kept]
    vectors = subject.vectors[rows]
    chances = _unseen(vectors, given, len(classes), parameters, subject.progress)
    found = doubts(given, chances)
    summary = {
        "labelled": len(rows),
        "candidates": int(found.candidates.sum()),
        "estimated_wrong": found.share_wrong,
        "accuracy": float((found.suggested == given).mean()),
        "by_class": _by_class(classes, given, found),
        "left_out": [name for code, name in enumerate(labelled.classes) if code not in kept],
    }
    ids = [subject.ids[row] for row in rows]
    names = np.array(classes, dtype=object)
    tables = {"assets": _assets(ids, names, given, found), "confusions": _confusions(names, found)}
    return Outcome(summary, tables)


def _learnable(
    subject: Subject, labelled: Labelled, parameters: LabelErrorParameters
) -> tuple[list[int], Rows, Codes]:
    """The classes with two rows and more, their rows, and the class of each, counted anew."""
    kept = np.flatnonzero(labelled.counts > 1)
    if len(kept) < 2:
        raise InvalidInput(
            f"Labels of field {parameters.label!r} in collection {subject.collection.name!r} "
            "cannot be doubted: fewer than two of its values have two assets each to learn from.",
            collection=subject.collection.name,
            field=parameters.label,
        )
    rows = labelled.rows[np.isin(labelled.codes[labelled.rows], kept)]
    return kept.tolist(), rows, np.searchsorted(kept, labelled.codes[rows]).astype(np.int32)


def _unseen(
    vectors: Probabilities,
    given: Codes,
    classes: int,
    parameters: LabelErrorParameters,
    progress: Progress,
) -> Probabilities:
    """Chances of the classes for each row, by a model that has not seen it."""
    told = lambda _: progress.step("Choosing how closely to follow the labels")  # noqa: E731
    strength = parameters.strength
    if strength is None:
        strength = chosen_strength(vectors, given, classes, parameters.seed, told)
    fold = folds(given, parameters.folds, parameters.seed)
    chances = np.empty((len(vectors), classes), np.float32)
    for number in range(parameters.folds):
        judged = fold == number
        if judged.any():
            told = lambda _, done=number: progress.step(  # type: ignore[misc]  # noqa: E731
                "Judging labels unseen", done, parameters.folds
            )
            model = fit(vectors[~judged], given[~judged], classes, strength, told)
            chances[judged] = model.probabilities(vectors[judged])
    return chances


def _by_class(classes: list[str], given: Codes, found: Doubts) -> dict[str, dict[str, int]]:
    labelled = np.bincount(given, minlength=len(classes))
    doubted = np.bincount(given[found.candidates], minlength=len(classes))
    return {
        name: {"labelled": int(labelled[code]), "candidates": int(doubted[code])}
        for code, name in enumerate(classes)
    }


def _assets(ids: list[str], names: NDArray[np.object_], given: Codes, found: Doubts) -> pa.Table:
    import pyarrow as pa

    # Self-confidence finds planted errors earlier than the margin does.
    order = np.lexsort((found.self_confidence, ~found.candidates))
    return pa.table(
        {
            "id": pa.array([ids[row] for row in order], pa.string()),
            "given": pa.array(names[given[order]], pa.string()),
            "suggested": pa.array(names[found.suggested[order]], pa.string()),
            "score": found.scores[order],
            "self_confidence": found.self_confidence[order],
            "margin": found.margins[order],
            "candidate": found.candidates[order],
        }
    )


def _confusions(names: NDArray[np.object_], found: Doubts) -> pa.Table:
    import pyarrow as pa

    apart = found.joint * ~np.eye(len(names), dtype=bool)
    given, suggested = np.nonzero(apart)
    order = np.argsort(-apart[given, suggested], kind="stable")
    return pa.table(
        {
            "given": pa.array(names[given[order]], pa.string()),
            "suggested": pa.array(names[suggested[order]], pa.string()),
            "estimated": apart[given[order], suggested[order]],
        }
    )


METHOD = Method(
    name="label_errors",
    promise="Assets whose label in a metadata field is likely wrong, with a better one.",
    parameters=LabelErrorParameters,
    run=run,
    least=4,
)
