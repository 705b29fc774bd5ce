"""Zero-shot classification: each asset's best of a list of labels, by what they mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints, field_validator

from indexer.analysis.labels.prompts import PICTURES, TEXTS, label_vectors, reader_of
from indexer.analysis.labels.regression import softmax
from indexer.analysis.method import Method, Outcome, Parameters, Progress
from indexer.analysis.subject import Subject
from indexer.domain import Kind
from indexer.ports import Embedder, Logits, Trained

USUAL = Logits(scale=20.0)
"""For models that do not tell what their cosines mean: 1 / 0.05, common in training."""

MOST_SCORES = 100_000_000
"""Scores that are kept, 400 MB; beyond, the best label of each asset alone."""

_BLOCK = 8192
_Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]

Floats = NDArray[np.float32]


class ClassificationParameters(Parameters):
    """Which labels, how they are put to the model, and how sharply it decides."""

    labels: list[_Words] = Field(
        min_length=2,
        max_length=1000,
        description="What assets may be: 2 to 1,000 words or phrases.",
    )
    templates: list[_Words] | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="Phrases with {} in the place of the label, averaged; by default `a photo of a "
        "{}` for pictures, the bare label for texts.",
    )
    temperature: float | None = Field(
        None,
        ge=1e-4,
        le=10,
        description="Cosines are divided by it before they become scores; by default what the "
        "model was trained with.",
    )

    @field_validator("labels")
    @classmethod
    def _each_once(cls, labels: list[str]) -> list[str]:
        twice = [label for label, count in Counter(labels).items() if count > 1]
        if twice:
            raise ValueError(f"the label {twice[0]!r} is there twice")
        return labels

    @field_validator("templates")
    @classmethod
    def _with_place(cls, templates: list[str] | None) -> list[str] | None:
        for one in templates or ():
            if "{}" not in one:
                raise ValueError(f"the template {one!r} has no {{}} in the place of the label")
        return templates


def run(subject: Subject, parameters: ClassificationParameters) -> Outcome:
    """Table `assets`, surest first: `id`, `label`, `score`, `margin` to the second best, `cosine`
    with the label, and `scores` of all labels in the order of the summary's `labels`.

    Scores add up to 1 (softmax), or each stands for itself (sigmoid, SigLIP). `scores` is left out
    beyond `MOST_SCORES`. Raises what `reader_of` raises.
    """
    embedder = reader_of(subject)
    kind = subject.kind or Kind.IMAGE
    templates = parameters.templates or (PICTURES if kind is Kind.IMAGE else TEXTS)
    labels = label_vectors(embedder, parameters.labels, templates, subject.progress)
    logits, source = _logits(embedder, kind, parameters.temperature)
    best, top, cosines, scores = _judged(subject, labels, logits, subject.progress)
    summary = {
        "labels": parameters.labels,
        "counts": _counts(parameters.labels, best),
        "median_score": float(np.median(top[:, 0])),
        "templates": [*templates],
        "temperature": 1 / logits.scale,
        "temperature_from": source,
        "scoring": "softmax" if logits.bias is None else "sigmoid",
        "scores_kept": scores is not None,
    }
    names = np.array(parameters.labels, dtype=object)[best]
    return Outcome(summary, {"assets": _table(subject, names, top, cosines, scores)})


def chances(cosines: Floats, logits: Logits) -> Floats:
    """Scores between 0 and 1 of cosines, shape (n, labels)."""
    if logits.bias is None:
        return softmax(logits.scale * cosines)
    odds = np.clip(logits.scale * cosines + logits.bias, -80, 80)
    shares: Floats = 1 / (1 + np.exp(-odds))
    return shares


def _logits(embedder: Embedder, kind: Kind, temperature: float | None) -> tuple[Logits, str]:
    """How cosines become scores, and who says so."""
    known = embedder.logits.get(kind) if isinstance(embedder, Trained) else None
    if temperature is not None:
        return Logits(1 / temperature, known.bias if known else None), "parameters"
    return (known, "model") if known is not None else (USUAL, "usual")


def _judged(
    subject: Subject, labels: Floats, logits: Logits, progress: Progress
) -> tuple[NDArray[np.int64], Floats, Floats, Floats | None]:
    """Of each row: its best label, the two best scores, its cosine, and all scores if they fit."""
    n, many = len(subject), len(labels)
    best, top = np.empty(n, np.int64), np.empty((n, 2), np.float32)
    cosines = np.empty(n, np.float32)
    kept = np.empty((n, many), np.float32) if n * many <= MOST_SCORES else None
    for first in range(0, n, _BLOCK):
        progress.step("Judging", first, n)
        part = slice(first, first + _BLOCK)
        alike = subject.vectors[part] @ labels.T
        found = chances(alike, logits)
        # By cosine: scores that rounding made 1 are still told apart.
        best[part] = alike.argmax(axis=1)
        cosines[part] = alike.max(axis=1)
        top[part] = -np.sort(-np.partition(found, many - 2, axis=1)[:, -2:], axis=1)
        if kept is not None:
            kept[part] = found
    return best, top, cosines, kept


def _counts(labels: Sequence[str], best: NDArray[np.int64]) -> dict[str, int]:
    counts = np.bincount(best, minlength=len(labels))
    order = np.argsort(-counts, kind="stable")
    return {labels[code]: int(counts[code]) for code in order}


def _table(
    subject: Subject,
    names: NDArray[np.object_],
    top: Floats,
    cosines: Floats,
    scores: Floats | None,
) -> object:
    import pyarrow as pa

    order = np.argsort(-top[:, 0], kind="stable")
    columns = {
        "id": pa.array([subject.ids[row] for row in order], pa.string()),
        "label": pa.array(names[order], pa.string()),
        "score": top[order, 0],
        "margin": top[order, 0] - top[order, 1],
        "cosine": cosines[order],
    }
    if scores is not None:
        columns["scores"] = pa.FixedSizeListArray.from_arrays(
            pa.array(scores[order].ravel()), scores.shape[1]
        ).cast(pa.list_(pa.float32()))
    return pa.table(columns)


METHOD = Method(
    name="classification",
    promise="The best of a list of labels for each asset, by meaning alone.",
    parameters=ClassificationParameters,
    run=run,
    least=1,
)
