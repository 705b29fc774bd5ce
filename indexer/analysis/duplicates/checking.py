"""Looks at candidates one by one, in parallel, with a bounded number of pictures in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from indexer.analysis.duplicates.candidates import Candidates
from indexer.analysis.duplicates.hashes import TURNS
from indexer.analysis.duplicates.pictures import Views, assets, same_pixels
from indexer.analysis.duplicates.verdicts import Judged, Verdict, judge
from indexer.analysis.gathering import payloads
from indexer.analysis.method import Progress
from indexer.analysis.subject import Access
from indexer.batches import batches
from indexer.domain import Asset, AssetId
from indexer.errors import SemblanceError

Pair = tuple[AssetId, AssetId]
"""Two assets, in the order of their rows."""

_BLOCK = 256


def check_pictures(
    access: Access,
    collection: str,
    ids: Sequence[AssetId],
    candidates: Candidates,
    scene_cosine: float,
    pool: ThreadPoolExecutor,
    progress: Progress,
) -> tuple[dict[int, Judged], dict[AssetId, Exception]]:
    """What each candidate is, by its number, where it is anything; and what could not be opened."""
    views = Views(access, collection, pool)
    found: dict[int, Judged] = {}

    def check(number: int) -> Judged | None:
        one, other = (shown.get(ids[row]) for row in candidates.pairs[number])
        if one is None or other is None:
            return None
        turn = TURNS[int(candidates.turns[number])]
        judged = judge(one, other, turn, int(candidates.distances[number]))
        soft = judged is not None and not judged.is_duplicate
        return None if soft and candidates.cosines[number] < scene_cosine else judged

    done = 0
    for block in batches(_walk(candidates), _BLOCK):
        shown = views.of([ids[row] for number in block for row in candidates.pairs[number]])
        outcomes = zip(block, pool.map(check, block), strict=True)
        found |= {number: judged for number, judged in outcomes if judged is not None}
        done += len(block)
        progress.step("Comparing pictures", done, len(candidates))
    return found, views.problems


def _walk(candidates: Candidates) -> list[int]:
    """The candidates in an order in which pictures are met again soon after they were decoded.

    Decoding and looking for keypoints is the cost; the order is that of the pairs' graph with its
    bandwidth reduced (Cuthill and McKee 1969).
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    if not len(candidates):
        return []
    rows, compact = np.unique(candidates.pairs, return_inverse=True)
    one, other = compact.reshape(-1, 2).T
    shape = (len(rows), len(rows))
    graph = coo_array((np.ones(len(one), np.int8), (one, other)), shape=shape).tocsr()
    place = np.empty(len(rows), np.int64)
    place[reverse_cuthill_mckee((graph + graph.T).tocsr(), symmetric_mode=True)] = np.arange(
        len(rows)
    )
    later, sooner = np.maximum(place[one], place[other]), np.minimum(place[one], place[other])
    return [int(number) for number in np.lexsort((sooner, later))]


def note_same_pixels(
    access: Access, found: dict[Pair, Judged], known: Mapping[AssetId, Asset]
) -> None:
    """Name re-encoded pairs that are equal pixel by pixel: one is a lossless copy of the other."""
    for pair, judged in found.items():
        likeness = judged.likeness
        if judged.verdict is not Verdict.REENCODED or likeness is None:
            continue
        if likeness.correlation < 0.9999 or not all(id in known for id in pair):
            continue
        try:
            same = same_pixels(access, *(known[id] for id in pair))
        except SemblanceError:
            continue  # gone since it was compared
        if same:
            changes = (Verdict.SAME_PIXELS,)
            found[pair] = replace(judged, verdict=Verdict.SAME_PIXELS, changes=changes)


def check_texts(
    access: Access,
    collection: str,
    ids: Sequence[AssetId],
    candidates: Candidates,
    judged_as: Callable[[str, str, float], Judged | None],
    progress: Progress,
) -> dict[int, Judged]:
    """What each candidate is, by its number, where it is anything."""
    found: dict[int, Judged] = {}
    for start in range(0, len(candidates), _BLOCK):
        block = range(start, min(start + _BLOCK, len(candidates)))
        rows = sorted({int(row) for number in block for row in candidates.pairs[number]})
        known = payloads(access.store, collection, [ids[row] for row in rows], ("text",))
        texts = {row: str(text.get("text", "")) for row, text in zip(rows, known, strict=True)}
        for number in block:
            one, other = (texts[int(row)] for row in candidates.pairs[number])
            judged = judged_as(one, other, float(candidates.cosines[number]))
            if judged is not None:
                found[number] = judged
        progress.step("Comparing texts", block.stop, len(candidates))
    return found


def assets_of(
    access: Access, collection: str, found: Mapping[Pair, Judged]
) -> dict[AssetId, Asset]:
    """The assets of all pairs that are anything."""
    return assets(access, collection, sorted({id for pair in found for id in pair}))
