"""Measures every asset that has not been measured before: originals decoded several at once."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from indexer import images
from indexer.analysis.quality import pictures, texts
from indexer.analysis.subject import Access, Subject
from indexer.batches import batches
from indexer.domain import Asset, Kind
from indexer.errors import AssetNotFound
from indexer.ledger import asset_from, reason_of
from indexer.originals import open_original
from indexer.pipeline import overlapped

if TYPE_CHECKING:
    import pyarrow as pa

VERSION: Final = 1
"""Raised when measures change: what was measured before is then measured again."""

COLUMNS: Final = ("width", "height", *pictures.MEASURES, *texts.MEASURES)

_AT_ONCE = 64
_MOST_THREADS = 16

Measured = tuple[Mapping[str, float], str | None]
"""Some of the COLUMNS by name, and the script of a text."""


@dataclass(slots=True)
class Measures:
    """What is known of n assets: `values` of shape (n, COLUMNS), NaN where there is none; scripts
    of texts; by row the reason why one could not be read."""

    values: NDArray[np.float64]
    scripts: list[str | None]
    reasons: dict[int, str] = field(default_factory=dict)

    def columns(self) -> dict[str, NDArray[np.float64]]:
        return {name: self.values[:, place] for place, name in enumerate(COLUMNS)}


def measured(subject: Subject) -> tuple[Measures, int]:
    """The measures of all assets, and how many of them were measured now.

    One that cannot be read has a reason in their place. Raises `Unavailable` if the store or the
    place of originals does not answer.
    """
    n = len(subject)
    found = Measures(np.full((n, len(COLUMNS)), np.nan), [None] * n)
    todo = _taken_over(subject, found)
    threads = min(os.cpu_count() or 1, _MOST_THREADS)
    done = 0
    with ThreadPoolExecutor(threads, thread_name_prefix="measure") as pool:
        for rows in batches(todo, _AT_ONCE):
            subject.progress.step("Measuring", done, len(todo))
            _measure(subject, pool, rows, found, ahead=2 * threads)
            done += len(rows)
    return found, done


def table_of(subject: Subject, found: Measures) -> pa.Table:
    """The measures as a table, from which the next run takes them over."""
    import pyarrow as pa

    columns = {name: _column(values) for name, values in found.columns().items()}
    reasons = [found.reasons.get(row) for row in range(len(subject))]
    return pa.table(
        {
            "id": pa.array(list(subject.ids), pa.string()),
            **columns,
            "script": pa.array(found.scripts, pa.string()),
            "reason": pa.array(reasons, pa.string()),
            "version": pa.array(np.full(len(subject), VERSION, np.int16)),
        }
    )


def _column(values: NDArray[np.float64]) -> pa.Array:
    import pyarrow as pa

    return pa.array(values, pa.float64(), from_pandas=True)  # NaN as none


def _taken_over(subject: Subject, found: Measures) -> list[int]:
    """Take what an earlier run measured; returns the rows that are left. Content never changes."""
    earlier = subject.earlier("quality") or {}
    table = earlier.get("measures")
    if table is None:
        return list(range(len(subject)))
    sound = table.filter((np.asarray(table["version"]) == VERSION) & ~_told(table))
    places = {id: place for place, id in enumerate(sound["id"].to_pylist())}
    rows = [row for row, id in enumerate(subject.ids) if id in places]
    there = np.array([places[subject.ids[row]] for row in rows], np.int64)
    scripts = sound["script"].to_pylist()
    for column, name in enumerate(COLUMNS):
        found.values[rows, column] = sound[name].to_numpy()[there]
    for row, place in zip(rows, there, strict=True):
        found.scripts[row] = scripts[place]
    known = set(rows)
    return [row for row in range(len(subject)) if row not in known]


def _told(table: pa.Table) -> NDArray[np.bool_]:
    """Which rows have a reason: their files may be back."""
    return np.asarray(table["reason"].is_valid())


def _measure(
    subject: Subject,
    pool: ThreadPoolExecutor,
    rows: Sequence[int],
    found: Measures,
    ahead: int,
) -> None:
    ids = [subject.ids[row] for row in rows]
    points = subject.access.store.get(subject.collection.name, ids)
    assets = {point.id: asset_from(point.id, point.payload) for point in points}
    work = partial(_of_asset, subject.access)
    outcomes = overlapped(pool, work, (assets.get(id) for id in ids), ahead=ahead)
    for row, (_, outcome) in zip(rows, outcomes, strict=True):
        if isinstance(outcome, Exception):
            found.reasons[row] = reason_of(outcome).message
            continue
        values, found.scripts[row] = outcome
        for name, value in values.items():
            found.values[row, COLUMNS.index(name)] = value


def _of_asset(access: Access, asset: Asset | None) -> Measured:
    if asset is None:
        raise AssetNotFound("It was deleted meanwhile.")
    if asset.kind is Kind.TEXT:
        return texts.measure(asset.text or "")
    with open_original(access.blobs, asset) as file:
        image = images.decode(
            file, page=asset.page, min_side=pictures.SIDE // 2, limits=access.limits
        )
    width, height = asset.width or image.width, asset.height or image.height
    return {"width": width, "height": height, **pictures.measure(image)}, None
