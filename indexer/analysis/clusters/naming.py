"""What clusters are called: by a person, by words their members bring along, by a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np

from indexer.analysis.clusters import vocabulary
from indexer.analysis.clusters.kmeans import Labels, Vectors
from indexer.analysis.clusters.parameters import ClusterParameters
from indexer.analysis.clusters.portraits import Portraits, members
from indexer.analysis.clusters.words import terms, text_of
from indexer.analysis.gathering import payloads
from indexer.analysis.subject import Subject
from indexer.collections import embedder_of
from indexer.domain import Kind
from indexer.errors import InvalidInput, ModelNotFound, ModelUnavailable, SpaceMismatch
from indexer.ports import Embedder

TERMS: Final = 8
READ: Final = 200
"""Members whose words are read, nearest to the centre first."""
_IN_NAME: Final = {"words": 3, "vocabulary": 2}
_NO_TEXT_MODEL: Final = (ModelNotFound, ModelUnavailable, SpaceMismatch)


class NamedBy(StrEnum):
    """Who found the name; a NUMBER is no name."""

    PERSON = "person"
    WORDS = "words"
    VOCABULARY = "vocabulary"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Name:
    """A cluster's name, and the terms that fit it best."""

    name: str
    terms: Sequence[str]
    by: NamedBy


def names(
    subject: Subject, asked: ClusterParameters, labels: Labels, portraits: Portraits
) -> list[Name | None]:
    """A name for each cluster 0 to k - 1, None where nothing is known to call it by.

    Given terms come first; else the members' own words; else, for pictures, the general list.
    Raises `InvalidInput` for terms that the Space's model cannot read.
    """
    own = own_terms(asked)
    if own is not None:
        embedder = text_embedder(subject)
        if embedder is None:
            raise InvalidInput(
                f"Space {subject.space.name!r} has no model that reads texts, so its clusters "
                "cannot be named by a vocabulary. Leave the vocabulary out, or choose a space that "
                "has one, such as mini.",
                space=subject.space.name,
            )
        return distinct(_by_vocabulary(subject, embedder, own, portraits.centres))
    by_words = _by_words(subject, labels, portraits)
    lacking = [name is None for name in by_words]
    if not any(lacking) or subject.kind is not Kind.IMAGE:
        return distinct(by_words)
    embedder = text_embedder(subject)
    if embedder is None:
        return distinct(by_words)
    shown = _by_vocabulary(subject, embedder, vocabulary.general(), portraits.centres)
    return distinct([word or seen for word, seen in zip(by_words, shown, strict=True)])


def own_terms(asked: ClusterParameters) -> list[str] | None:
    """The terms that were given, in a file or as they are. Raises `InvalidInput`."""
    if asked.terms is not None and asked.vocabulary is not None:
        raise InvalidInput("Give a vocabulary or terms, not both.")
    if asked.terms is not None:
        return vocabulary.checked(asked.terms, "The list of terms")
    return None if asked.vocabulary is None else vocabulary.read(Path(asked.vocabulary))


def text_embedder(subject: Subject) -> Embedder | None:
    """The model that puts texts into the Subject's Space, or None if there is none."""
    if subject.space.is_imported or Kind.TEXT not in subject.space.kinds:
        return None
    try:
        return embedder_of(subject.access.embedders, subject.collection, subject.space)
    except _NO_TEXT_MODEL:
        return None


def distinct(named: Sequence[Name | None]) -> list[Name | None]:
    """The same, but names that occur twice are told apart by a further term, or by a number."""
    taken: set[str] = set()
    told: list[Name | None] = []
    for one in named:
        if one is not None:
            longer = (f"{one.name}, {term}" for term in one.terms if term not in one.name)
            counted = (f"{one.name} ({number})" for number in range(2, len(named) + 2))
            one = replace(
                one, name=next(n for n in (one.name, *longer, *counted) if n not in taken)
            )
            taken.add(one.name)
        told.append(one)
    return told


def _by_words(subject: Subject, labels: Labels, portraits: Portraits) -> list[Name | None]:
    progress, texts = subject.progress, []
    for cluster, rows in enumerate(members(labels, len(portraits.sizes))):
        progress.step("Reading captions", cluster, len(portraits.sizes))
        nearest = rows[np.argsort(-portraits.similarities[rows], kind="stable")[:READ]]
        ids = [subject.ids[row] for row in nearest]
        found = payloads(subject.access.store, subject.collection.name, ids, ("text", "metadata"))
        texts.append([text for text in map(text_of, found) if text])
    return [_name(found, NamedBy.WORDS) for found in terms(texts, TERMS)]


def _by_vocabulary(
    subject: Subject, embedder: Embedder, listed: Sequence[str], centres: Vectors
) -> list[Name | None]:
    vectors = vocabulary.embedded(
        embedder, listed, subject.kind, subject.access.blobs, subject.progress
    )
    found = vocabulary.nearest_terms(centres, listed, vectors, TERMS)
    return [_name(terms, NamedBy.VOCABULARY) for terms in found]


def _name(terms: Sequence[str], by: NamedBy) -> Name | None:
    return Name(", ".join(terms[: _IN_NAME[by.value]]), terms, by) if terms else None
