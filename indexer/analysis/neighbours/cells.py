"""Cuts rows into cells of rows that are alike: spherical k-means, and who looks into which cell.

An inverted file (Jégou et al., Product Quantization for Nearest Neighbor Search, 2011), in which
every row is also a query.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING

from indexer.analysis.method import Progress
from indexer.analysis.neighbours.comparing import greatest

if TYPE_CHECKING:
    from torch import Generator, Tensor

PROBES = 12
"""Cells that a row looks into: its own, and the next nearest."""
LEARNT_FROM = 40
"""Rows for each cell from which its centre is learnt."""
ROUNDS = 5
LARGE = 8
"""A cell of so many times the mean size is cut into pieces: its rows are hardly different."""
_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Cells:
    """Row numbers, ascending, of each cell: who is in it, and who looks into it."""

    members: tuple[Tensor, ...]
    askers: tuple[Tensor, ...]


def cells_of(coarse: Tensor, generator: Generator, progress: Progress) -> Cells:
    """About √n cells."""
    import torch

    n = len(coarse)
    centres = _centres(coarse, isqrt(n), generator, progress).to(coarse.dtype)
    probes = min(PROBES, len(centres))
    nearest = []
    for start in range(0, n, _BLOCK):
        progress.step("Finding cells", start, n)
        nearest.append(greatest(coarse[start : start + _BLOCK] @ centres.T, probes)[1])
    asked = _cut(torch.cat(nearest), len(centres))
    count = int(asked.max()) + 1
    return Cells(_by_value(asked[:, :1], count), _by_value(asked, count))


def _centres(coarse: Tensor, count: int, generator: Generator, progress: Progress) -> Tensor:
    """Directions in the middle of their rows, learnt from a sample."""
    import torch

    shuffled = torch.randperm(len(coarse), generator=generator)[: count * LEARNT_FROM]
    sample = coarse[shuffled.to(coarse.device)]
    centres = sample[:count].float()
    for number in range(ROUNDS):
        progress.step("Learning cells", number, ROUNDS)
        columns = centres.to(coarse.dtype).T
        own = torch.cat([(rows @ columns).argmax(1) for rows in torch.split(sample, _BLOCK)])
        # sums in an order of their own on a GPU: there, the last digits may differ from run to run
        sums = torch.zeros_like(centres).index_add_(0, own, sample.float())
        empty = torch.bincount(own, minlength=count) == 0
        sums[empty] = centres[empty]
        centres = torch.nn.functional.normalize(sums)
    return centres


def _cut(asked: Tensor, count: int) -> Tensor:
    """The cells that rows look into, shape (n, PROBES), with large cells cut into even pieces.

    A row looks into the piece it is in; of other cells into any one piece.
    """
    import torch

    n, device = len(asked), asked.device
    own = asked[:, 0]
    sizes = torch.bincount(own, minlength=count)
    pieces = sizes * count // (LARGE * n) + 1
    first = pieces.cumsum(0) - pieces
    order = own.argsort(stable=True)
    rank = torch.empty(n, dtype=torch.int64, device=device)
    rank[order] = torch.arange(n, device=device) - (sizes.cumsum(0) - sizes)[own[order]]
    piece = torch.arange(n, device=device)[:, None] % pieces[asked]
    piece[:, 0] = rank * pieces[own] // sizes[own]
    return first[asked] + piece


def _by_value(values: Tensor, count: int) -> tuple[Tensor, ...]:
    """For every value below `count` the rows that have it, ascending."""
    import torch

    order = values.flatten().argsort(stable=True) // values.shape[1]
    sizes: list[int] = torch.bincount(values.flatten(), minlength=count).tolist()
    return torch.split(order, sizes)
