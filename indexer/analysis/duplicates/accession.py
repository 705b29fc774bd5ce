"""Check before accession: a folder held against the Collection, and against itself.

Nothing of it is added. Each picture or passage is read as it would be if it were, given its vector
and its hash, and looked at beside what is nearest in the Collection and in the folder so far.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from indexer import collections
from indexer.analysis.duplicates.arrivals import Arrivals
from indexer.analysis.duplicates.fingerprints import Fingerprints, fingerprints
from indexer.analysis.duplicates.holding import COLUMNS, Checker, Result, Row
from indexer.analysis.duplicates.incoming import Incoming, incoming
from indexer.analysis.duplicates.parameters import AccessionParameters
from indexer.analysis.duplicates.pictures import Views, decoding
from indexer.analysis.duplicates.tables import type_named
from indexer.analysis.method import Outcome
from indexer.analysis.subject import Subject
from indexer.domain import Kind
from indexer.errors import InvalidInput, NotFound


def check(subject: Subject, parameters: AccessionParameters) -> Outcome:
    """Hold the folder against the Subject's assets.

    Raises `InvalidInput` if there is nothing there, or where the Space's vectors were imported.
    """
    kind = subject.kind or Kind.IMAGE
    access, name = subject.access, subject.collection.name
    if subject.space.is_imported:
        raise InvalidInput(
            f"The vectors of space {subject.space.name!r} were imported: no model can make those "
            "of new files. Name another space.",
            space=subject.space.name,
        )
    embedder = collections.embedder_of(access.embedders, subject.collection, subject.space)
    rows: list[Row] = []
    with decoding() as pool, Arrivals(subject.space.dimension) as arrivals:
        path = Path(parameters.path)
        batches = incoming(path, kind, embedder, access.limits, pool)
        first = _first(batches)
        prints = _prints(subject, pool) if kind is Kind.IMAGE else None
        views = Views(access, name, pool)
        checker = Checker(subject, parameters, prints, views, arrivals, pool)
        while first is not None:
            rows += checker.checked(first)
            subject.progress.step("Checking files", len(rows))
            first = next(batches, None)
    return _told(rows, prints)


def _first(batches: Iterator[list[Incoming]]) -> list[Incoming] | None:
    """A path with nothing there is told before all else is done."""
    try:
        return next(batches, None)
    except NotFound as error:
        raise InvalidInput(error.message, **error.details) from error


def _prints(subject: Subject, pool: ThreadPoolExecutor) -> Fingerprints:
    """The hashes of the Collection's pictures, from the latest run that has them."""
    earlier = subject.earlier("accession") or subject.earlier("duplicates")
    return fingerprints(
        subject.access, subject.collection.name, subject.ids, earlier, pool, subject.progress
    )


def _told(rows: Sequence[Row], prints: Fingerprints | None) -> Outcome:
    import pyarrow as pa

    order = [result.value for result in Result]
    ordered = sorted(rows, key=lambda row: (order.index(str(row["result"])), str(row["path"])))
    schema = pa.schema([(name, type_named(kind)) for name, kind in COLUMNS.items()])
    tables = {"incoming": pa.Table.from_pylist(ordered, schema=schema)}
    if prints is not None:
        tables["fingerprints"] = prints.table()
    counts = Counter(row["result"] for row in rows)
    summary: dict[str, object] = {"files": len({row["uri"] for row in rows}), "found": len(rows)}
    return Outcome(summary | {result: counts[result] for result in order}, tables)
