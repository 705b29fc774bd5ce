"""Compares rows with others by one matrix product: all ways to a graph are made of this."""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def nearest_among(
    vectors: Tensor, rows: Tensor, others: Tensor | None, k: int
) -> tuple[Tensor, Tensor]:
    """The nearest of `others` to each of `rows`: similarities and row numbers, nearest first.

    Both have the shape (rows, at most k). `others` are row numbers, ascending; None for all rows of
    `vectors`. A row is not its own neighbour: where no others are left, -inf and -1 stand.
    """
    import torch

    # index_select copies whole rows, and takes little more than half the time of indexing
    columns = vectors if others is None else vectors.index_select(0, others)
    block = vectors.index_select(0, rows) @ columns.T
    if others is None:
        block[torch.arange(len(rows), device=block.device), rows] = -torch.inf
    else:
        place = torch.searchsorted(others, rows).clamp_(max=len(others) - 1)
        itself = (others[place] == rows).nonzero().flatten()
        block[itself, place[itself]] = -torch.inf
    similarities, found = greatest(block, min(k, block.shape[1]))
    found = found if others is None else others[found]
    return similarities.float(), found.masked_fill_(similarities == -torch.inf, -1)


def greatest(block: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k greatest values of each row and their columns, greatest first.

    As `torch.topk`, but several times as fast where rows are wide: the columns are seen as groups,
    and the k greatest values stand in the k groups that have the greatest maxima.
    """
    import torch

    width = isqrt(block.shape[1] // max(k, 1))
    if width < 4:
        best = block.topk(k)
        return best.values, best.indices
    groups = block.shape[1] // width
    whole = groups * width
    maxima = block[:, :whole].view(len(block), width, groups).amax(1)
    starts = torch.arange(0, whole, groups, device=block.device)
    columns = (maxima.topk(k).indices[:, :, None] + starts).flatten(1)
    rest = torch.arange(whole, block.shape[1], device=block.device).expand(len(block), -1)
    columns = torch.cat([columns, rest], 1)
    best = block.gather(1, columns).topk(k)
    return best.values, columns.gather(1, best.indices)


def ranked_again(vectors: Tensor, rows: Tensor, found: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k nearest of what was found for each of `rows`, by the similarities of `vectors`.

    `found`: row numbers, shape (rows, at least k); -1 where there is none.
    """
    import torch

    others = vectors[found.clamp(min=0).flatten()].view(*found.shape, -1)
    similarities = torch.einsum("rd,rkd->rk", vectors[rows], others)
    similarities[found < 0] = -torch.inf
    best = similarities.topk(k)
    return best.values, found.gather(1, best.indices)
