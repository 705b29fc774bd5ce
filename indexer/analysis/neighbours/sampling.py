"""Measures the recall of a graph on a sample of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from indexer.analysis.neighbours.comparing import nearest_among

if TYPE_CHECKING:
    from torch import Tensor

SAMPLE = 500
"""Rows on which recall is measured: the share found is known to about half a percent."""
TIE = 1e-6
"""Similarities that differ by less are the same but for rounding."""
_BLOCK = 64


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of which it is known how similar their k-th nearest is."""

    rows: Tensor
    least: Tensor
    k: int

    def recall(self, vectors: Tensor, found: Tensor) -> float:
        """The share of the k true neighbours among what was found, ties aside.

        `found`: row numbers, each once, shape (sample, k or more), -1 where there is none.
        """
        import torch

        others = vectors[found.clamp(min=0)]
        similarities = torch.einsum("rd,rkd->rk", vectors[self.rows], others)
        right = (similarities >= self.least[:, None] - TIE) & (found >= 0)
        # Of more than k there may be as many right as are tied with the k-th.
        return float(right.sum(1).clamp(max=self.k).float().mean()) / self.k


def sample_of(vectors: Tensor, k: int, seed: int) -> Sample:
    """A sample of the rows, compared with all others in float32; k is less than their number."""
    import torch

    n = len(vectors)
    chosen = np.random.default_rng(seed).permutation(n)[:SAMPLE]
    rows = torch.from_numpy(chosen).to(vectors.device)
    least = [nearest_among(vectors, some, None, k)[0][:, -1] for some in torch.split(rows, _BLOCK)]
    return Sample(rows, torch.cat(least), k)
