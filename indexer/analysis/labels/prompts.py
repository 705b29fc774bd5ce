"""Labels as vectors: each as the model reads it in a few phrases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from indexer.analysis.method import Progress
from indexer.analysis.subject import Subject
from indexer.collections import embedder_of
from indexer.domain import Kind
from indexer.errors import InvalidInput
from indexer.ports import Embedder, Vectors

PICTURES: Final = ("a photo of a {}",)
"""CLIP's own; with `mini` better than the bare word, and a list of phrases is no better still."""

TEXTS: Final = ("{}",)

_AT_ONCE = 64


def reader_of(subject: Subject) -> Embedder:
    """The model of the Subject's Space, which reads texts.

    Raises `InvalidInput` for a Space of imported vectors and for a model of pictures alone, and
    what `embedder_of` raises.
    """
    space = subject.space
    if not space.is_imported and Kind.TEXT in space.kinds:
        return embedder_of(subject.access.embedders, subject.collection, space)
    why = (
        "has imported vectors, and no model that could read a label"
        if space.is_imported
        else f"is of a model that reads no texts ({space.embedder})"
    )
    others = [
        one.name
        for one in subject.collection.spaces
        if Kind.TEXT in one.kinds
        and not one.is_imported
        and (subject.kind is None or subject.kind in one.kinds)
    ]
    remedy = f"choose another: {', '.join(others)}" if others else "add a model such as `mini`"
    raise InvalidInput(
        f"Space {space.name!r} of collection {subject.collection.name!r} {why}; {remedy}. Without "
        "words, `propagate` and `probe` learn from assets that have a label.",
        collection=subject.collection.name,
        space=space.name,
    )


def label_vectors(
    embedder: Embedder, labels: Sequence[str], templates: Sequence[str], progress: Progress
) -> Vectors:
    """Unit vectors, shape (labels, dimension): the mean over the phrases made of each label."""
    phrases = [one.replace("{}", label) for label in labels for one in templates]
    parts = []
    for first in range(0, len(phrases), _AT_ONCE):
        progress.step("Reading the labels", first, len(phrases))
        parts.append(embedder.embed_queries(phrases[first : first + _AT_ONCE]))
    means = np.concatenate(parts).reshape(len(labels), len(templates), -1).mean(axis=1)
    unit: Vectors = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    return unit
