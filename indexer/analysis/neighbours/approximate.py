"""Finds most of the nearest neighbours of very many rows by comparing each with a few thousand.

First every row is compared with the rows of its nearest cells. Then, round by round, the rows of a
cell are compared with the neighbours of their neighbours, in both directions (Dong et al.,
Efficient k-Nearest Neighbor Graph Construction for Generic Similarity Measures, 2011), all together
in one matrix product, until the recall on a sample is good or grows no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING

from indexer.analysis.method import Progress
from indexer.analysis.neighbours.cells import PROBES, Cells, cells_of
from indexer.analysis.neighbours.comparing import nearest_among
from indexer.analysis.neighbours.sampling import Sample

if TYPE_CHECKING:
    from torch import Tensor

NEARBY = 5000
"""Roughly how many rows are nearby in this sense."""
GOOD = 0.99
"""A recall with which nothing more is tried."""
GAIN = 0.003
"""The least a round must add to the recall for another one to follow."""
ROUNDS = 3
HOPS = 12
"""Links that are followed from a row, in each direction."""
TOGETHER = 512
"""Rows that share what is near them."""
_BLOCK = 2**24


@dataclass(frozen=True, slots=True)
class Lists:
    """What was found so far for each row, nearest first; -1 and -inf where nothing was."""

    found: Tensor
    similarities: Tensor


def approximate(
    vectors: Tensor, coarse: Tensor, k: int, sample: Sample, seed: int, progress: Progress
) -> Lists:
    """At least k neighbours of each row, by the similarities of `coarse`; k is far less than n."""
    import torch

    cells = cells_of(coarse, torch.Generator().manual_seed(seed), progress)
    lists = _probed(coarse, max(k, HOPS), cells, progress)
    recall = sample.recall(vectors, lists.found[sample.rows][:, :k])
    for number in range(1, ROUNDS + 1):
        if recall >= GOOD:
            break
        lists = _refined(coarse, lists, cells, f"Refining, round {number}", progress)
        former, recall = recall, sample.recall(vectors, lists.found[sample.rows][:, :k])
        if recall - former < GAIN:
            break
    return lists


def comparisons(n: int) -> int:
    """About how many rows each of n rows is compared with."""
    return (PROBES + 1) * isqrt(n) + NEARBY


def _probed(coarse: Tensor, k: int, cells: Cells, progress: Progress) -> Lists:
    """Every row compared with the rows of the cells it looks into."""
    import torch

    lists = _nothing_found(coarse, k)
    for number, (members, askers) in enumerate(zip(cells.members, cells.askers, strict=True)):
        progress.step("Comparing", number, len(cells.members))
        if len(members) == 0:
            continue
        for rows in torch.split(askers, max(1, _BLOCK // len(members))):
            _add(lists, rows, *nearest_among(coarse, rows, members, k))
    return lists


def _add(lists: Lists, rows: Tensor, similarities: Tensor, found: Tensor) -> None:
    """Keep the best of what was found before and now."""
    import torch

    similarities = torch.cat([lists.similarities[rows], similarities], 1)
    found = torch.cat([lists.found[rows], found.int()], 1)
    best = similarities.topk(lists.found.shape[1])
    lists.similarities[rows] = best.values
    lists.found[rows] = found.gather(1, best.indices)


def _refined(coarse: Tensor, lists: Lists, cells: Cells, step: str, progress: Progress) -> Lists:
    """Every row compared with what is near the rows of its cell."""
    import torch

    links = links_of(lists.found)
    better = _nothing_found(coarse, lists.found.shape[1])
    for number, members in enumerate(cells.members):
        progress.step(step, number, len(cells.members))
        for rows in torch.split(members, TOGETHER):
            if len(rows) > 0:
                _add(better, rows, *nearest_nearby(coarse, lists.found, links, rows))
    return better


def nearest_nearby(
    coarse: Tensor, found: Tensor, links: Tensor, rows: Tensor
) -> tuple[Tensor, Tensor]:
    """The nearest among what these rows found so far, and what is two links away from them.

    As `nearest_among`; for rows that are near each other, for each is compared with what is near
    any of them. `found`: neighbours so far of all rows, `links`: of all rows, from `links_of`.
    """
    return nearest_among(coarse, rows, _around(found, links, rows), found.shape[1])


def _around(found: Tensor, links: Tensor, rows: Tensor) -> Tensor:
    """What these rows found so far, and what is two links away from them; ascending."""
    import torch

    near = torch.unique(links[rows]).long()
    far = links[near[near >= 0]].flatten().long()
    around: Tensor = torch.unique(torch.cat([found[rows].flatten().long(), near, far]))
    return around[around >= 0]


def links_of(found: Tensor) -> Tensor:
    """The first neighbours of each row, and the first rows of which it is a neighbour; -1 if none.

    Rows that nobody counts among his neighbours are reached by their own links alone.
    """
    import torch

    n, device = len(found), found.device
    forward = found[:, :HOPS]
    # column by column: those come first to whom the row is nearest
    order = forward.T.flatten().argsort(stable=True)
    pointed_at = forward.T.flatten()[order].long()
    order, pointed_at = order[pointed_at >= 0], pointed_at[pointed_at >= 0]
    counts = torch.bincount(pointed_at, minlength=n)
    rank = torch.arange(len(order), device=device) - (counts.cumsum(0) - counts)[pointed_at]
    kept = rank < HOPS
    back = torch.full((n, HOPS), -1, dtype=torch.int32, device=device)
    back[pointed_at[kept], rank[kept]] = (order[kept] % n).int()
    return torch.cat([forward, back], 1)


def _nothing_found(coarse: Tensor, k: int) -> Lists:
    import torch

    shape, device = (len(coarse), k), coarse.device
    return Lists(
        torch.full(shape, -1, dtype=torch.int32, device=device),
        torch.full(shape, -torch.inf, dtype=torch.float32, device=device),
    )
