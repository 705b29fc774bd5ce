"""Makes the Subject of an analysis: what the ledger says it is about, read from the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from indexer import collections
from indexer.analysis import artefacts, asking, entries
from indexer.analysis.entry import Analysis
from indexer.analysis.gathering import Rows, Scope, gather
from indexer.analysis.graphs import fresh_graphs, kept_graphs
from indexer.analysis.method import Progress
from indexer.analysis.subject import Access, Subject
from indexer.domain import AssetId
from indexer.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    import pyarrow as pa


def subject_of(access: Access, analysis: Analysis, progress: Progress) -> Subject:
    """Read what the analysis is about. Raises `TooFewAssets`, and `InvalidInput` for a vector that
    is not finite."""
    return _Made(access, analysis, progress).subject()


@dataclass(frozen=True, slots=True)
class _Made:
    """How one Subject is made, and from it the one beside it in another Space."""

    access: Access
    analysis: Analysis
    progress: Progress

    def subject(self) -> Subject:
        scope = self._scope()
        without = self.access.store.count(scope.collection, scope.without_vector())
        rows = self._rows(scope)
        method = asking.method_named(self.analysis.request.name)
        asking.check_enough(method, scope, len(rows.ids), without)
        asked = self.analysis.request
        return self._of(rows, without, whole=asked.filter is None and asked.within is None)

    def _scope(self) -> Scope:
        described = collections.get(self.access.store, self.analysis.collection)
        return asking.scope_of(described, self.analysis.request)

    def _of(self, rows: Rows, without: int, *, whole: bool) -> Subject:
        # The kept graph is that of a whole Space; a part of it gets one of its own.
        graphs = kept_graphs if whole else fresh_graphs
        scope, access, analysis = self._scope(), self.access, self.analysis
        return Subject(
            collection=collections.get(access.store, analysis.collection),
            space=scope.space,
            kind=scope.kind,
            ids=rows.ids,
            vectors=rows.vectors,
            without_vectors=without,
            progress=self.progress,
            access=access,
            graph=graphs(access, analysis, rows, self.progress),
            beside=partial(self._beside, rows, without, whole),
            earlier=partial(_earlier, access, analysis),
            all_earlier=partial(_all_earlier, access, analysis),
            tables=partial(_tables, access, analysis.collection),
        )

    def _rows(self, scope: Scope) -> Rows:
        rows = gather(self.access.store, scope, self.progress)
        within = self.analysis.request.within
        if within is None:
            return rows
        tables = _tables(self.access, self.analysis.collection, within.analysis)
        if within.table not in tables:
            raise InvalidInput(
                f"Analysis {within.analysis} has no table {within.table!r}; it has: "
                f"{', '.join(tables)}.",
                analysis=within.analysis,
            )
        chosen = matching(tables[within.table], within.column, within.equals)
        return _of_ids(rows, set(chosen.column("id").to_pylist()))

    def _beside(self, rows: Rows, without: int, whole: bool, other: str) -> tuple[Subject, Subject]:
        described = collections.get(self.access.store, self.analysis.collection)
        space = described.space(other)
        asked = replace(self.analysis.request, space=space.name)
        there = replace(self.analysis, request=asked, fingerprint=space.fingerprint)
        beside = replace(self, analysis=there)
        rows_there = beside._rows(beside._scope())
        both = set(rows.ids) & set(rows_there.ids)
        mine, theirs = _of_ids(rows, both), _of_ids(rows_there, both)
        return (
            self._of(mine, without, whole=whole and mine is rows),
            beside._of(theirs, without, whole=whole and theirs is rows_there),
        )


def matching(table: pa.Table, column: str, value: object) -> pa.Table:
    """The rows in whose column there is this value. Raises `InvalidInput` if it cannot be there."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        wanted = pa.scalar(value).cast(table.schema.field(column).type)
    except (KeyError, pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        names = ", ".join(table.column_names)
        raise InvalidInput(
            f"{value!r} cannot be in column {column!r}; the table's columns: {names}.",
            column=column,
        ) from error
    return table.filter(pc.equal(table.column(column), wanted))


def _of_ids(rows: Rows, wanted: set[AssetId]) -> Rows:
    places = [place for place, id in enumerate(rows.ids) if id in wanted]
    if len(places) == len(rows.ids):
        return rows
    return Rows([rows.ids[place] for place in places], rows.vectors[places])


def _earlier(access: Access, analysis: Analysis, name: str) -> Mapping[str, pa.Table] | None:
    latest = entries.latest(access.store, analysis, name)
    try:
        return None if latest is None else artefacts.load_all(access.blobs, latest)
    except NotFound:
        return None  # its files are gone, as after a restore


def _all_earlier(access: Access, analysis: Analysis, name: str) -> Iterator[Mapping[str, pa.Table]]:
    for one in entries.earlier(access.store, analysis, name):
        try:
            tables = artefacts.load_all(access.blobs, one)
        except NotFound:
            continue
        yield tables


def _tables(access: Access, collection: str, id: str) -> Mapping[str, pa.Table]:
    found = entries.named(access.store, collection, id)
    return artefacts.load_all(access.blobs, found)
