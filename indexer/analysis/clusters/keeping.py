"""Clusters of an analysis that is kept: edited, brought up to date, saved as labels of assets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from indexer import collections
from indexer.analysis import artefacts, entries
from indexer.analysis.clusters import edits
from indexer.analysis.clusters.kmeans import Vectors
from indexer.analysis.clusters.method import NAME, summary
from indexer.analysis.clusters.tables import clusters_in, members_in
from indexer.analysis.entry import Analysis, State
from indexer.analysis.labels import saved
from indexer.analysis.method import Outcome
from indexer.analysis.running import amend
from indexer.analysis.subject import Access
from indexer.analysis.subjects import subject_of
from indexer.batches import batches
from indexer.domain import AssetId
from indexer.errors import Conflict, InvalidInput
from indexer.ledger import PAGE, now

if TYPE_CHECKING:
    import pyarrow as pa


def rename(access: Access, analysis: Analysis, cluster: int, name: str) -> Analysis:
    """Call a cluster so; the name stays when the analysis is run again. Raises `InvalidInput`."""
    return _amend(access, analysis, edits.renamed(_tables(access, analysis), cluster, name))


def merge(
    access: Access, analysis: Analysis, numbers: Sequence[int], name: str | None = None
) -> Analysis:
    """Make clusters one, with the number of the first. Raises `InvalidInput`."""
    tables = _tables(access, analysis)
    members = members_in(tables["members"])
    ids = [id for id, one in zip(members.ids, members.clusters, strict=True) if one in numbers]
    vectors = _vectors(access, analysis, ids)
    return _amend(access, analysis, edits.merged(tables, numbers, name, vectors))


def assign(access: Access, analysis: Analysis) -> Analysis:
    """Put assets that were added since into the clusters there are, and drop those deleted since.

    Raises `Conflict` if the Space has been filled anew: then centres and vectors do not compare.
    """
    tables = _tables(access, analysis)
    described = collections.get(access.store, analysis.collection)
    if described.space(analysis.request.space).fingerprint != analysis.fingerprint:
        raise Conflict(
            f"Space {analysis.request.space!r} has other vectors than when these clusters were "
            "found; run the analysis again.",
            analysis=analysis.id,
        )
    looked_at = now()
    subject = subject_of(access, analysis, _Unwatched())
    all_belong = analysis.request.parameters.get("by") != "density"
    tables = edits.brought_up_to_date(tables, subject.ids, subject.vectors, all_belong=all_belong)
    _amend(access, replace(analysis, assets=len(subject)), tables)
    # Last: if it is cut off before, the newcomers still count as added since.
    entries.write(
        access.store,
        analysis,
        looked_at=looked_at,
        assets=len(subject),
        without_vectors=subject.without_vectors,
    )
    return entries.get(access.store, analysis.collection, analysis.id)


def label(
    access: Access, analysis: Analysis, field: str, numbers: Sequence[int] | None = None
) -> int:
    """Save the names of clusters as metadata of their members; returns how many have theirs.

    All clusters, or those with these numbers. Nothing that is there is overwritten, but for what
    this analysis saved itself; `saved.drop` takes it out again. Raises `InvalidInput` for a field
    that cannot be or a number that is not there, `Conflict` if a member has another value.
    """
    tables = _tables(access, analysis)
    names = {one.cluster: one.name for one in clusters_in(tables["clusters"])}
    for number in numbers or ():
        if number not in names:
            raise InvalidInput(f"There is no cluster {number}.", cluster=number)
    wanted = names if numbers is None else {number: names[number] for number in numbers}
    members = members_in(tables["members"])
    labels = {
        id: wanted[int(number)]
        for id, number in zip(members.ids, members.clusters, strict=True)
        if int(number) in wanted
    }
    return saved.save(access, analysis, labels, field)


def _tables(access: Access, analysis: Analysis) -> dict[str, pa.Table]:
    if analysis.request.name != NAME:
        raise InvalidInput(
            f"Analysis {analysis.id} is of {analysis.request.name}, and has no clusters.",
            analysis=analysis.id,
        )
    if analysis.state is not State.DONE:
        raise Conflict(
            f"Analysis {analysis.id} is {analysis.state.value}; it has no clusters to change.",
            analysis=analysis.id,
        )
    return artefacts.load_all(access.blobs, analysis)


def _vectors(access: Access, analysis: Analysis, ids: Sequence[AssetId]) -> dict[AssetId, Vectors]:
    space = analysis.request.space
    return {
        point.id: point.vectors[space]
        for some in batches(ids, PAGE)
        for point in access.store.get(analysis.collection, some, (space,))
        if space in point.vectors
    }


def _amend(access: Access, analysis: Analysis, tables: Mapping[str, pa.Table]) -> Analysis:
    told = summary(clusters_in(tables["clusters"]), members_in(tables["members"]))
    return amend(access, analysis, Outcome({**analysis.summary, **told}, tables))


class _Unwatched:
    """Progress that nobody looks at."""

    def step(self, what: str, done: int = 0, total: int | None = None) -> None:
        """Nothing: it is quick."""
