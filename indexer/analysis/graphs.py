"""The neighbour graph of a Space, kept from one analysis to the next and brought up to date.

It is an analysis of its own in the ledger, named `graph`, one a Space and Kind: what was added
since is fitted in and what was deleted taken out. Over a part of a Collection (a filter, a cluster)
the graph is made anew each time and not kept: parts are many, and small.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from indexer import collections
from indexer.analysis import artefacts, asking, entries
from indexer.analysis.entry import Analysis
from indexer.analysis.gathering import Rows
from indexer.analysis.method import Progress
from indexer.analysis.neighbours import (
    NeighbourGraph,
    fits,
    from_store,
    from_table,
    nearest_neighbours,
    outgrows_memory,
    places_of,
    to_table,
    updated,
)
from indexer.analysis.subject import Access
from indexer.domain import AssetId
from indexer.errors import AnalysisNotFound, Unavailable
from indexer.ledger import now

log = logging.getLogger(__name__)

GRAPH = "graph"

KEPT_K = 16
"""Neighbours that are kept of each asset: as many as the map asks for, and more than the others."""

Graphs = Callable[[int], NeighbourGraph]


def kept_graphs(access: Access, analysis: Analysis, rows: Rows, progress: Progress) -> Graphs:
    """What gives the graph of a whole Space with any k, from the one that is kept."""

    def find(k: int) -> NeighbourGraph:
        return _kept_graph(access, analysis, rows, k, progress)

    return _remembered(rows, find)


def fresh_graphs(access: Access, analysis: Analysis, rows: Rows, progress: Progress) -> Graphs:
    """What gives the graph of a part of a Space with any k."""
    del access, analysis
    return _remembered(rows, lambda k: nearest_neighbours(rows.vectors, k, progress))


def _remembered(rows: Rows, find: Graphs) -> Graphs:
    """Each graph is made once, and not at all where one with more neighbours was."""
    made: dict[int, NeighbourGraph] = {}

    def graph(k: int) -> NeighbourGraph:
        k = max(0, min(k, len(rows.ids) - 1))
        wide = next((wider for wider in sorted(made) if wider >= k), k)
        if wide not in made:
            made[wide] = find(k)
        return made[wide].nearest(k)

    return graph


def _kept_graph(
    access: Access, analysis: Analysis, rows: Rows, k: int, progress: Progress
) -> NeighbourGraph:
    former = _former(access, analysis)
    wanted = min(max(k, KEPT_K), max(len(rows.ids) - 1, 0))
    if former is None or former.graph.k < wanted:
        graph = _new(access, analysis, rows, wanted, progress)
    elif list(rows.ids) == former.ids and fits(former.graph, rows.vectors):
        return former.graph
    else:
        places = places_of(former.ids, rows.ids)
        graph = updated(former.graph, places, rows.vectors, progress)
    if wanted:
        _keep(access, analysis, rows, graph)
    return graph


def _new(
    access: Access, analysis: Analysis, rows: Rows, k: int, progress: Progress
) -> NeighbourGraph:
    """A graph made from nothing: from the vectors, or by the store where they leave no room."""
    if not outgrows_memory(*rows.vectors.shape):
        return nearest_neighbours(rows.vectors, k, progress)
    scope = asking.scope_of(collections.get(access.store, analysis.collection), analysis.request)
    return from_store(access.store, scope, rows.ids, k, progress)


@dataclass(frozen=True, slots=True)
class _Former:
    """The graph that is kept, and of which assets it is."""

    entry: Analysis
    ids: list[AssetId]
    graph: NeighbourGraph


def _former(access: Access, analysis: Analysis) -> _Former | None:
    entry = entries.latest(access.store, analysis, GRAPH)
    if entry is None:
        return None
    try:
        ids, graph = from_table(artefacts.load(access.blobs, entry, GRAPH))
    except AnalysisNotFound:  # its file is gone, as after a restore
        return None
    return _Former(entry, ids, graph)


def _keep(access: Access, analysis: Analysis, rows: Rows, graph: NeighbourGraph) -> None:
    """Keep the graph in place of former ones; if that fails, the analysis at hand goes on."""
    try:
        kept = _write(access, analysis, rows, graph)
        for former in entries.every(access.store, analysis.collection, GRAPH):
            place = (former.request.space, former.request.kind)
            if former.id != kept.id and place == (kept.request.space, kept.request.kind):
                artefacts.forget(access.blobs, former)
                access.store.delete(analysis.collection, [former.id])
    except Unavailable as error:
        log.warning("The neighbour graph is not kept: %s", error.message)


def _write(access: Access, analysis: Analysis, rows: Rows, graph: NeighbourGraph) -> Analysis:
    """Write the graph as an analysis that is done."""
    asked = replace(analysis.request, name=GRAPH, parameters={"k": graph.k})
    entry = entries.new(analysis.collection, asked, analysis.fingerprint)
    tables = {GRAPH: to_table(graph, rows.ids)}
    return entries.keep(
        access.store,
        replace(
            entry,
            started_at=entry.created_at,
            looked_at=analysis.started_at,
            finished_at=now(),
            assets=len(rows.ids),
            without_vectors=0,
            summary={"k": graph.k, "recall": graph.recall},
            tables=artefacts.save(access.blobs, entry, tables, len(rows.ids)),
            version=artefacts.program_version(),
        ),
    )
