"""Brings a neighbour graph up to date after rows were added and taken away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.method import Progress
from indexer.analysis.neighbours.approximate import (
    NEARBY,
    comparisons,
    links_of,
    nearest_nearby,
)
from indexer.analysis.neighbours.arithmetic import Arithmetic, arithmetic_of
from indexer.analysis.neighbours.building import (
    measured,
    nearest_neighbours,
    on_device,
)
from indexer.analysis.neighbours.comparing import greatest
from indexer.analysis.neighbours.exact import BLOCK, fill, search
from indexer.analysis.neighbours.graph import NeighbourGraph, no_neighbours
from indexer.analysis.neighbours.sampling import sample_of

if TYPE_CHECKING:
    from torch import Tensor

TOGETHER = 16
"""Rows that look around together: they may be far apart, and each adds what is near it."""


def places_of(old_ids: Sequence[str], new_ids: Sequence[str]) -> NDArray[np.int64]:
    """For every old row the row in which its id is now, -1 if it is gone."""
    place = {id: row for row, id in enumerate(new_ids)}
    return np.fromiter((place.get(id, -1) for id in old_ids), np.int64, len(old_ids))


def updated(
    graph: NeighbourGraph,
    places: NDArray[np.int64],
    vectors: NDArray[np.float32],
    progress: Progress,
    *,
    device: str = "auto",
    seed: int = 0,
    arithmetic: Arithmetic | None = None,
) -> NeighbourGraph:
    """The graph of `vectors`, made from that of rows of which most are still there, unchanged.

    `places`: for every row of `graph` its row in `vectors`, -1 if it is gone; all other rows of
    `vectors` are new. New rows are compared with all others, and fitted into the lists of those.
    Rows that lost a neighbour are compared with all others as well; if the graph is approximate and
    they kept half of their neighbours, with what is near those. An exact graph stays exact; of
    another the recall is measured anew. Where all that would be more comparisons than a new graph
    takes, or where vectors have changed, a new graph is made. The other arguments are those of
    `nearest_neighbours`.
    """
    import torch

    n, dimension = vectors.shape
    how = arithmetic or arithmetic_of(device, n, dimension)
    moved, left, added = _moved(graph, places, n)
    enough = min(graph.k, n - 1)
    near = (left >= max(1, enough / 2)) & (left < enough) & (graph.recall < 1)
    anew = (left < enough) & ~near
    costs = (int(anew.sum()) + len(added)) * n + int(near.sum()) * NEARBY
    full = n if how.exact_pays(n, dimension) else comparisons(n)
    if enough < 1 or costs > n * full or not fits(moved, vectors):
        return nearest_neighbours(
            vectors, graph.k, progress, device=device, seed=seed, arithmetic=arithmetic
        )
    rows, _ = on_device(vectors, replace(how, numbers="float32"))
    _fit_in(moved, rows, np.flatnonzero(~anew), added, progress)
    _look_around(moved, rows, np.flatnonzero(near), progress)
    short = np.flatnonzero(moved.indices[:, enough - 1] < 0)
    search(moved, rows, rows, torch.from_numpy(short).to(rows.device), progress, "Updating")
    return moved if graph.recall == 1 else measured(moved, rows, sample_of(rows, enough, seed))


def fits(graph: NeighbourGraph, vectors: NDArray[np.float32]) -> bool:
    """Whether the rows still have the similarities that the graph tells of the nearest ones."""
    for rows in np.array_split(np.flatnonzero(graph.indices[:, 0] >= 0), 1 + len(vectors) // 1024):
        nearest = vectors[graph.indices[rows, 0]]
        found = np.einsum("ij,ij->i", vectors[rows], nearest)
        if not np.allclose(found, graph.similarities[rows, 0], atol=1e-4):
            return False
    return True


def _moved(
    graph: NeighbourGraph, places: NDArray[np.int64], n: int
) -> tuple[NeighbourGraph, NDArray[np.int64], NDArray[np.int64]]:
    """The graph in new rows, how many neighbours are left to each, and which rows are new."""
    stays = places >= 0
    moved = no_neighbours(n, graph.k)
    had = graph.indices[stays]
    now = np.where(had >= 0, places[had], -1)
    order = np.argsort(now < 0, axis=1, kind="stable")  # what is left, nearest first
    similarities = np.where(now >= 0, graph.similarities[stays], -np.inf)
    moved.indices[places[stays]] = np.take_along_axis(now, order, 1)
    moved.similarities[places[stays]] = np.take_along_axis(similarities, order, 1)
    left = np.zeros(n, np.int64)
    left[places[stays]] = (now >= 0).sum(1)
    added = np.ones(n, bool)
    added[places[stays]] = False
    return moved, left, np.flatnonzero(added)


def _fit_in(
    graph: NeighbourGraph,
    vectors: Tensor,
    others: NDArray[np.int64],
    added: NDArray[np.int64],
    progress: Progress,
) -> None:
    """Put the added rows into the lists of the others to whom they are near enough."""
    import torch

    if len(added) == 0 or len(others) == 0:
        return
    device = vectors.device
    numbers = torch.from_numpy(added).to(device)
    new = vectors[numbers]
    for place in np.array_split(others, 1 + len(others) * len(added) // BLOCK[device.type]):
        progress.step("Fitting in", int(place[0]), len(vectors))
        rows = torch.from_numpy(place).to(device)
        similarities, columns = greatest(vectors[rows] @ new.T, min(graph.k, len(added)))
        former = torch.from_numpy(graph.similarities[place]).to(device)
        similarities = torch.cat([former, similarities], 1)
        known = torch.from_numpy(graph.indices[place]).to(device)
        found = torch.cat([known, numbers[columns].int()], 1)
        best = similarities.topk(graph.k)
        fill(graph, rows, best.values, found.gather(1, best.indices))


def _look_around(
    graph: NeighbourGraph, vectors: Tensor, rows: NDArray[np.int64], progress: Progress
) -> None:
    """Find new neighbours for these rows near those that they still have."""
    import torch

    if len(rows) == 0:
        return
    found = torch.from_numpy(graph.indices).to(vectors.device)
    links = links_of(found)
    for some in torch.split(torch.from_numpy(rows).to(vectors.device), TOGETHER):
        progress.step("Looking around", int(some[0]), len(vectors))
        fill(graph, some, *nearest_nearby(vectors, found, links, some))
