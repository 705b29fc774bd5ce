"""Holds one incoming picture or passage against the Collection and against those before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.duplicates.arrivals import Arrivals
from indexer.analysis.duplicates.candidates import FAR
from indexer.analysis.duplicates.fingerprints import Fingerprints
from indexer.analysis.duplicates.hashes import TURNS, Hashes, distances, perceptual_hash, turned
from indexer.analysis.duplicates.incoming import Incoming
from indexer.analysis.duplicates.parameters import DuplicateParameters
from indexer.analysis.duplicates.pictures import Views
from indexer.analysis.duplicates.texts import judge_texts
from indexer.analysis.duplicates.verdicts import Judged, is_flat, judge
from indexer.analysis.duplicates.views import View
from indexer.analysis.gathering import payloads
from indexer.analysis.subject import Subject
from indexer.domain import AssetId, Entry, Payload

Row = dict[str, object]


class Result(StrEnum):
    """What an incoming file is, in the order in which they are looked at."""

    EXACT = "exact"
    DUPLICATE = "duplicate"
    SIMILAR = "similar"
    UNREADABLE = "unreadable"
    NEW = "new"


COLUMNS = {
    "path": "string",
    "uri": "string",
    "page": "int32",
    "result": "string",
    "match_id": "string",
    "match_path": "string",
    "verdict": "string",
    "changes": "list",
    "incoming_is_derived": "bool",
    "cosine": "float32",
    "hash_distance": "int16",
    "inliers": "int32",
    "correlation": "float32",
    "reason": "string",
}
"""`match_id` is that of an asset of the Collection; null if the match lies in the folder itself."""


@dataclass(frozen=True, slots=True)
class _Near:
    """Something that may be the same: a row of the Collection, or a number among the arrivals."""

    number: int
    is_arrival: bool
    cosine: float
    turn: int
    distance: int


@dataclass(frozen=True, slots=True)
class Checker:
    """What incoming files are held against."""

    subject: Subject
    parameters: DuplicateParameters
    prints: Fingerprints | None
    views: Views
    arrivals: Arrivals
    pool: ThreadPoolExecutor
    texts: dict[int, str] = field(default_factory=dict)

    def checked(self, batch: Sequence[Incoming]) -> Iterator[Row]:
        """One row each, in order."""
        known = self._known([one.id for one in batch if one.id is not None])
        for one in batch:
            yield self._row(one, known)

    def _row(self, one: Incoming, known: Mapping[AssetId, Payload]) -> Row:
        row: Row = dict.fromkeys(COLUMNS)
        row |= {"path": one.path, "uri": one.uri, "page": one.page, "changes": []}
        if one.id is not None and one.id in known:
            place = {"match_id": one.id, "match_path": _path(known[one.id])}
            return row | {"result": Result.EXACT.value, **place}
        if one.id in self.arrivals.by_id:
            path = self.arrivals.paths[self.arrivals.by_id[one.id]]
            return row | {"result": Result.EXACT.value, "match_path": path}
        if one.problem is not None or one.vector is None:
            why = None if one.problem is None else one.problem.message
            return row | {"result": Result.UNREADABLE.value, "reason": why}
        hash = None
        if one.view is not None and not is_flat(one.view):
            hash = perceptual_hash(one.view.grey)
        near, judged = self._best(one, hash)
        self.arrivals.add(one, hash)
        if near is None or judged is None:
            return row | {"result": Result.NEW.value}
        return row | self._match(near, judged)

    def _best(self, one: Incoming, hash: np.uint64 | None) -> tuple[_Near | None, Judged | None]:
        """The surest of all that is near: a confirmed duplicate before what is only similar."""
        near = [*self._near(one, hash)]
        ids = [self.subject.ids[each.number] for each in near if not each.is_arrival]
        views = self.views.of(ids) if one.view is not None else {}
        # what lies in one temporary file is read here; keypoints are looked for in the threads
        others = [self._view(each, views) for each in near]
        pairs = zip(near, others, strict=True)
        judged = [*self.pool.map(lambda pair: self._judged(one, *pair), pairs)]
        found = [
            (each, verdict)
            for each, verdict in zip(near, judged, strict=True)
            if verdict is not None
            and (verdict.is_duplicate or each.cosine >= self.parameters.scene_cosine)
        ]
        return max(found, key=_surety, default=(None, None))

    def _near(self, one: Incoming, hash: np.uint64 | None) -> Iterator[_Near]:
        assert one.vector is not None
        prints = self.prints
        places: list[tuple[bool, NDArray[np.float32], Hashes | None, NDArray[np.bool_] | None]] = [
            (
                False,
                self.subject.vectors,
                None if prints is None else prints.hashes,
                None if prints is None else prints.usable,
            ),
            (True, self.arrivals.vectors, self.arrivals.hashes, self.arrivals.usable),
        ]
        most = self.parameters.neighbours
        for is_arrival, vectors, hashes, usable in places:
            cosines = vectors @ one.vector
            chosen = set(_largest(cosines, most, self.parameters.cosine))
            turns = np.zeros(len(cosines), np.int8)
            apart = np.full(len(cosines), FAR, np.uint8)
            if hash is not None and hashes is not None and usable is not None and len(hashes):
                turns, apart = _nearest_turns(hash, hashes)
                apart[~usable] = FAR
                near = -apart.astype(np.float32)
                chosen |= set(_largest(near, most, -float(self.parameters.hash_distance)))
            for row in sorted(chosen):
                cosine, turn = float(cosines[row]), int(turns[row])
                yield _Near(int(row), is_arrival, cosine, turn, int(apart[row]))

    def _view(self, near: _Near, views: Mapping[AssetId, View]) -> View | None:
        if near.is_arrival:
            return self.arrivals.view(near.number)
        return views.get(self.subject.ids[near.number])

    def _judged(self, one: Incoming, near: _Near, other: View | None) -> Judged | None:
        if one.text is not None:
            return judge_texts(
                one.text,
                self._text(near),
                near.cosine,
                reworded=self.parameters.reworded_cosine,
                shared=self.parameters.reworded_overlap,
            )
        if one.view is None or other is None:
            return None
        return judge(one.view, other, TURNS[near.turn], near.distance)

    def _text(self, near: _Near) -> str:
        if near.is_arrival:
            return self.arrivals.texts[near.number] or ""
        id = self.subject.ids[near.number]
        (found,) = payloads(
            self.subject.access.store, self.subject.collection.name, [id], ("text",)
        )
        return str(found.get("text", ""))

    def _match(self, near: _Near, judged: Judged) -> Row:
        laid, likeness = judged.laid, judged.likeness
        result = Result.DUPLICATE if judged.is_duplicate else Result.SIMILAR
        id = None if near.is_arrival else self.subject.ids[near.number]
        path: str | None = self.arrivals.paths[near.number] if near.is_arrival else None
        if id is not None:
            path = _path(self._known([id]).get(id, {}))
        return {
            "result": result.value,
            "match_id": id,
            "match_path": path,
            "verdict": judged.verdict.value,
            "changes": [change.value for change in judged.changes],
            "incoming_is_derived": None if judged.derived is None else judged.derived == 0,
            "cosine": near.cosine,
            "hash_distance": None if near.distance == FAR else near.distance,
            "inliers": None if laid is None else laid.inliers,
            "correlation": None if likeness is None else likeness.correlation,
        }

    def _known(self, ids: Sequence[AssetId]) -> dict[AssetId, Payload]:
        points = self.subject.access.store.get(self.subject.collection.name, ids)
        return {p.id: p.payload for p in points if p.payload.get("entry") == Entry.ASSET.value}


def _surety(found: tuple[_Near, Judged]) -> tuple[bool, float, float]:
    near, judged = found
    alike = 1.0 if judged.likeness is None else judged.likeness.correlation
    return judged.is_duplicate, alike, near.cosine


def _largest(values: NDArray[np.float32], most: int, least: float) -> list[int]:
    """Places of the largest values that are at least so large."""
    if len(values) > most:
        places = np.argpartition(-values, most - 1)[:most]
    else:
        places = np.arange(len(values))
    return [int(place) for place in places if values[place] >= least]


def _nearest_turns(hash: np.uint64, hashes: Hashes) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
    """The turn in which each of the others is nearest to the hash, and its distance then.

    The one hash is turned the other way instead of all the others.
    """
    alone = np.array([hash], np.uint64)
    each = np.stack([distances(turned(alone, turn.back), hashes) for turn in TURNS])
    best = each.argmin(axis=0)
    return best.astype(np.int8), np.take_along_axis(each, best[None], axis=0)[0]


def _path(payload: Payload) -> str | None:
    sources = payload.get("sources")
    if not isinstance(sources, list) or not sources:
        return None
    return str(sources[0].get("path"))
