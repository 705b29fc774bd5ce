"""Keeps each Collection's Calibrations: fitted when first needed, again when it has changed much.

They are kept in the Collection's own description, which every search reads anyway: a search costs
no further trip to the store, and all processes share what one of them has found out.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from indexer import collections, meaningless, relevance
from indexer.collections import Collection
from indexer.domain import Kind, NearestQuery, Space, Status
from indexer.errors import SemblanceError
from indexer.filters import Equals, Filter, HasVector
from indexer.ledger import assets_where
from indexer.ports import Embedder, Embedders, VectorStore
from indexer.relevance import Calibration, Method, Scale

GROWTH = 1.5
"""A Collection that has grown by half, or lost a third, is fitted anew."""

SAMPLE = 256
"""Random assets whose cosines to the questions are looked at; one page of the store."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Calibrator:
    """What fitting needs. One instance serves all threads of a process."""

    store: VectorStore
    embedders: Embedders
    fitting: threading.Lock = field(default_factory=threading.Lock)
    """One fit at a time: who waited for it finds its figures."""
    questions: dict[tuple[str, str, Kind], Vectors] = field(default_factory=dict)
    """Meaningless questions as vectors, by embedder, fingerprint and Kind."""


def scale_of(
    calibrator: Calibrator,
    collection: Collection,
    space: Space,
    asked: Sequence[Kind | None],
    weights: Sequence[float],
    parts: Vectors,
    found: Kind,
) -> Scale | None:
    """What the cosines of a query mean whose parts have these Kinds, weights and unit vectors.

    A raw vector (Kind None) counts as one of the Kind that is found. None while nothing is known.
    """
    kinds = [found if kind is None else kind for kind in asked]
    known = {
        kind: calibration_of(calibrator, collection, space, kind, found)
        for kind in dict.fromkeys(kinds)
    }
    calibrations = [one for kind in kinds if (one := known[kind]) is not None]
    if len(calibrations) < len(kinds):
        return None
    return relevance.scale(calibrations, weights, parts)


def calibration_of(
    calibrator: Calibrator, collection: Collection, space: Space, asked: Kind, found: Kind
) -> Calibration | None:
    """The figures for this Space and pair of Kinds; fitted now if there are none yet.

    None while nothing can be said: no asset of that Kind is there, or too few of a Space that no
    model can be asked in.
    """
    known = _kept(collection, space, asked, found)
    if known is not None:
        return known
    with calibrator.fitting:
        collection = collections.get(calibrator.store, collection.name)
        known = _kept(collection, space, asked, found)  # by who had the lock before us
        if known is not None:
            return known
        fitted = _fit(calibrator, collection, space, asked, found)
        if fitted is not None:
            collections.keep_calibrations(calibrator.store, collection.name, [fitted])
        return fitted


def refresh(calibrator: Calibrator, name: str) -> int:
    """Fit what is missing or outgrown in a Collection, as after an ingest; returns how many."""
    with calibrator.fitting:
        collection = collections.get(calibrator.store, name)
        fitted: list[Calibration] = []
        for space in collection.spaces:
            for found in sorted(space.kinds):
                count = calibrator.store.count(name, _having(space, found))
                for asked in sorted(space.kinds) if count else ():
                    if _is_due(_kept(collection, space, asked, found), count):
                        made = _fit(calibrator, collection, space, asked, found)
                        fitted += [made] if made is not None else []
        if fitted:
            collections.keep_calibrations(calibrator.store, name, fitted)
        return len(fitted)


def _kept(collection: Collection, space: Space, asked: Kind, found: Kind) -> Calibration | None:
    wanted = (space.name, space.fingerprint, asked, found)
    for one in collection.calibrations:
        if (one.space, one.fingerprint, one.asked, one.found) == wanted:
            return one
    return None


def _is_due(known: Calibration | None, count: int) -> bool:
    if known is None:
        return True
    if known.assets == count:
        return False
    # What was made without a model is made anew: the model may be within reach by now.
    return known.method is Method.STORED or not count / GROWTH < known.assets < count * GROWTH


def _fit(
    calibrator: Calibrator, collection: Collection, space: Space, asked: Kind, found: Kind
) -> Calibration | None:
    store, name, having = calibrator.store, collection.name, _having(space, found)
    count = store.count(name, having)
    if count == 0:
        return None
    sample = _sample(store, name, space, found)
    questions = _questions(calibrator, collection, space, asked)
    if questions is not None:
        method = Method.MEANINGLESS
        figures = relevance.from_best(
            questions @ sample.T, _best(store, name, space, having, questions)
        )
    else:
        method = Method.STORED
        questions = sample if asked is found else _sample(store, name, space, asked)
        figures = relevance.from_stored(questions, sample)
    if figures is None:
        return None
    return Calibration(
        space.name, space.fingerprint, asked, found, *figures, method, len(questions), count
    )


def _questions(
    calibrator: Calibrator, collection: Collection, space: Space, asked: Kind
) -> Vectors | None:
    """Meaningless questions as vectors of the Space; None if no model can make them."""
    key = (space.embedder, space.fingerprint, asked)
    if key not in calibrator.questions:
        try:
            embedder = collections.embedder_of(calibrator.embedders, collection, space)
        except SemblanceError:
            return None  # what was imported, or whose model is out of reach, has only its vectors
        calibrator.questions[key] = _embedded(embedder, asked)
    return calibrator.questions[key]


def _embedded(embedder: Embedder, asked: Kind) -> Vectors:
    if asked is Kind.TEXT:
        return embedder.embed_queries(meaningless.texts())
    return embedder.embed_images([embedder.prepare(one) for one in meaningless.pictures()])


def _best(
    store: VectorStore, name: str, space: Space, having: Filter, questions: Vectors
) -> Vectors:
    """The cosine of each question's nearest asset."""
    asking = [
        NearestQuery(space.name, question, limit=1, filter=having, payload=False)
        for question in questions
    ]
    answers = store.nearest(name, asking)
    return np.array([found[0].score for found in answers if found], dtype=np.float32)


def _sample(store: VectorStore, name: str, space: Space, kind: Kind) -> Vectors:
    """Random vectors, shape (n, dimension): ids are hashes, so any page of them is a sample."""
    points, _ = store.scroll(
        name, _having(space, kind), limit=SAMPLE, spaces=(space.name,), fields=("kind",)
    )
    rows = [point.vectors[space.name] for point in points]
    return np.stack(rows) if rows else np.zeros((0, space.dimension), dtype=np.float32)


def _having(space: Space, kind: Kind) -> Filter:
    return assets_where(
        Equals("status", Status.INDEXED.value),
        Equals("kind", kind.value),
        HasVector(space.name),
    )
