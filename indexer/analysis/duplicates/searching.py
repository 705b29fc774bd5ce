"""The analysis itself: candidates, each checked, what is confirmed put into groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.duplicates import tables
from indexer.analysis.duplicates.candidates import (
    FAR,
    Candidates,
    by_look,
    by_wording,
    distinct,
    equal_hashes,
    near_hashes,
    neighbours,
    weighed,
)
from indexer.analysis.duplicates.checking import (
    Pair,
    assets_of,
    check_pictures,
    check_texts,
    note_same_pixels,
)
from indexer.analysis.duplicates.decisions import Decided, Decision, on_pairs, pair_id
from indexer.analysis.duplicates.fingerprints import Fingerprints, fingerprints
from indexer.analysis.duplicates.groups import derived_assets, groups, verdict_counts
from indexer.analysis.duplicates.hashes import nearest_turn
from indexer.analysis.duplicates.keeper import rank
from indexer.analysis.duplicates.parameters import DuplicateParameters
from indexer.analysis.duplicates.pictures import decoding
from indexer.analysis.duplicates.preview import preview
from indexer.analysis.duplicates.several import several_sources
from indexer.analysis.duplicates.texts import judge_texts, normal_hash
from indexer.analysis.duplicates.verdicts import Judged
from indexer.analysis.gathering import payloads
from indexer.analysis.method import Outcome
from indexer.analysis.subject import Subject
from indexer.batches import batches
from indexer.domain import AssetId, Kind
from indexer.ledger import PAGE

if TYPE_CHECKING:
    import pyarrow as pa

_LOWEST = 0.7
"""The preview tells of neighbours down to here, also where fewer are checked."""


@dataclass(frozen=True, slots=True)
class _Found:
    """Candidates, what each of them is by its number, and what else came out of looking."""

    candidates: Candidates
    judged: Mapping[int, Judged]
    looked_at: int
    wanted: int
    problems: Mapping[AssetId, str]
    prints: Fingerprints | None = None


def search(subject: Subject, parameters: DuplicateParameters) -> Outcome:
    """Find the duplicates among a Subject's assets."""
    look = _texts if subject.kind is Kind.TEXT else _pictures
    found = look(subject, parameters)
    return _told(subject, found, parameters)


def _pictures(subject: Subject, parameters: DuplicateParameters) -> _Found:
    access, name, progress = subject.access, subject.collection.name, subject.progress
    near = neighbours(subject.graph(parameters.neighbours), min(_LOWEST, parameters.cosine))
    with decoding() as pool:
        prints = fingerprints(
            access, name, subject.ids, subject.earlier("duplicates"), pool, progress
        )
        progress.step("Comparing hashes")
        alike = near_hashes(prints.hashes, prints.usable, parameters.hash_distance)
        pairs = distinct([near, alike])
        candidates = weighed(pairs, subject.vectors, by_look(prints.hashes, prints.usable))
        chosen, wanted = _chosen(candidates, parameters)
        judged, unopened = check_pictures(
            access,
            name,
            subject.ids,
            candidates.of(chosen),
            parameters.scene_cosine,
            pool,
            progress,
        )
    problems = {id: reason.message for id, reason in prints.problems.items()}
    problems |= {id: str(error) for id, error in unopened.items()}
    by_number = {int(chosen[number]): one for number, one in judged.items()}
    return _Found(candidates, by_number, len(chosen), wanted, problems, prints)


def _texts(subject: Subject, parameters: DuplicateParameters) -> _Found:
    near = neighbours(subject.graph(parameters.neighbours), min(_LOWEST, parameters.cosine))
    wordings = _wordings(subject)
    pairs = distinct([near, equal_hashes(np.arange(len(subject)), wordings)])
    candidates = weighed(pairs, subject.vectors, by_wording(wordings))
    chosen, wanted = _chosen(candidates, parameters)
    judged_as = partial(
        judge_texts, reworded=parameters.reworded_cosine, shared=parameters.reworded_overlap
    )
    judged = check_texts(
        subject.access,
        subject.collection.name,
        subject.ids,
        candidates.of(chosen),
        judged_as,
        subject.progress,
    )
    by_number = {int(chosen[number]): one for number, one in judged.items()}
    return _Found(candidates, by_number, len(chosen), wanted, {})


def _chosen(
    candidates: Candidates, parameters: DuplicateParameters
) -> tuple[NDArray[np.int64], int]:
    """Numbers of the candidates to be checked, the nearest first, and how many should be."""
    near = candidates.cosines >= parameters.cosine
    alike = candidates.distances <= parameters.hash_distance
    wanted = np.flatnonzero(near | alike)
    return wanted[: parameters.most_pairs], len(wanted)


def _wordings(subject: Subject) -> NDArray[np.uint64]:
    """Equal for texts that differ in spacing, case and punctuation alone."""
    found = np.zeros(len(subject), np.uint64)
    for batch in batches(range(len(subject)), PAGE):
        ids = [subject.ids[row] for row in batch]
        known = payloads(subject.access.store, subject.collection.name, ids, ("text",))
        for row, payload in zip(batch, known, strict=True):
            hash = normal_hash(str(payload.get("text", "")))
            found[row] = np.uint64(int.from_bytes(hash[:8], "big"))
        subject.progress.step("Reading texts", batch[-1] + 1, len(subject))
    return found


def _told(subject: Subject, found: _Found, parameters: DuplicateParameters) -> Outcome:
    access, name, ids = subject.access, subject.collection.name, subject.ids
    by_pair: dict[Pair, Judged] = {}
    measured: dict[Pair, tuple[float, int | None]] = {}
    for number, judged in found.judged.items():
        one, other = found.candidates.pairs[number]
        pair = (ids[int(one)], ids[int(other)])
        distance = int(found.candidates.distances[number])
        by_pair[pair] = judged
        measured[pair] = (
            float(found.candidates.cosines[number]),
            None if distance == FAR else distance,
        )
    known = assets_of(access, name, by_pair)
    by_pair = {pair: one for pair, one in by_pair.items() if all(id in known for id in pair)}
    subject.progress.step("Grouping")
    note_same_pixels(access, by_pair, known)
    decided = on_pairs(access.store, name, [pair_id(*pair) for pair in by_pair])
    links = {pair: one for pair, one in by_pair.items() if _is_open(pair, decided)}
    derived = derived_assets(links)
    rows = {id: row for row, id in enumerate(ids)}
    grouped = groups(
        links,
        lambda id: rank(known[id], is_derived=id in derived),
        partial(_resemble, subject, found.prints, rows, parameters),
    )
    several = list(several_sources(subject))
    confirmed = np.zeros(len(found.candidates), np.bool_)
    confirmed[[number for number, one in found.judged.items() if one.is_duplicate]] = True
    told: dict[str, pa.Table] = {
        "groups": tables.groups_table(grouped, known, derived),
        "pairs": tables.pairs_table(by_pair, measured, decided),
        "exact": tables.exact_table(several),
        "preview": preview(found.candidates, confirmed),
        "unreadable": tables.problems_table(found.problems),
    }
    if found.prints is not None:
        told["fingerprints"] = found.prints.table()
    beside = sum(known[id].bytes for group in grouped for id in group.members)
    summary = {
        "groups": len(grouped),
        "duplicates": sum(len(group.members) for group in grouped),
        "bytes_beside": beside,
        "exact": len(several),
        "pairs": len(by_pair),
        "verdicts": verdict_counts(by_pair.values()),
        "decided": sum(pair_id(*pair) in decided for pair in by_pair),
        "checked": found.looked_at,
        "unchecked": found.wanted - found.looked_at,
        "unreadable": len(found.problems),
        "featureless": 0 if found.prints is None else found.prints.flat,
        "decoded": 0 if found.prints is None else found.prints.decoded,
        "recall": subject.graph(parameters.neighbours).recall,
    }
    return Outcome(summary, told)


def _is_open(pair: Pair, decided: Mapping[AssetId, Decided]) -> bool:
    """Whether nobody said that the two are to be kept apart."""
    known = decided.get(pair_id(*pair))
    return known is None or known.decision is Decision.DUPLICATE


def _resemble(
    subject: Subject,
    prints: Fingerprints | None,
    rows: Mapping[AssetId, int],
    parameters: DuplicateParameters,
    one: AssetId,
    other: AssetId,
) -> bool:
    """Whether two that were not confirmed may be alike all the same."""
    first, second = rows[one], rows[other]
    if float(subject.vectors[first] @ subject.vectors[second]) >= parameters.cosine:
        return True
    if prints is None or not (prints.usable[first] and prints.usable[second]):
        return False
    _, distance = nearest_turn(prints.hashes[[first]], prints.hashes[[second]])
    return int(distance[0]) <= 2 * parameters.hash_distance
