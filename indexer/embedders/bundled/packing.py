"""Weights in a small file: large matrices as bytes and a scale a row, all else as float16."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

LARGE = 100_000
"""Numbers from which a matrix is worth it; convolutions are no matrices and stay as they are."""

SCALE = ".scale"


def packed(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Symmetric bytes for each row of a large matrix, so that the largest value is 127."""
    small: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        values = tensor.detach().float()
        if values.dim() == 2 and values.numel() >= LARGE:
            scale = values.abs().amax(1, keepdim=True).clamp(min=1e-12) / 127
            small[name] = (values / scale).round().to(torch.int8).contiguous()
            small[name + SCALE] = scale.contiguous()
        else:
            small[name] = values.half().contiguous()
    return small


def unpacked(small: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights again, float32."""
    return {
        name: tensor.float() * small[name + SCALE] if name + SCALE in small else tensor.float()
        for name, tensor in small.items()
        if not name.endswith(SCALE)
    }


def blended(
    own: Mapping[str, Tensor], other: Mapping[str, Tensor], share: float
) -> dict[str, Tensor]:
    """The weights of two runs from the same start, averaged, `share` of them the other's.

    The mean of two such runs generalises better than either (Wortsman et al., "Model soups", 2022).
    """
    return {name: torch.lerp(tensor, other[name], share) for name, tensor in own.items()}
