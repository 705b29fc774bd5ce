"""CLIP's text towers without the padding: the same vectors from a fraction of the work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Lengths = Callable[[NDArray[np.int64]], NDArray[np.int64]]
"""Of each row of padded token ids, (n, window), how many the tower has to see, (n,)."""


def text_tower(network: Any) -> tuple[nn.Module, Lengths]:
    """The text tower of an open_clip network, and how much of a padded text it must be given."""
    from open_clip.hf_model import HFTextEncoder

    owner = getattr(network, "text", network)
    if _is_causal(network, owner):
        # The token that ends a text has the highest number of all.
        return CausalTexts(owner), lambda ids: ids.argmax(1) + 1
    if isinstance(owner, HFTextEncoder):
        pad = owner.config.pad_token_id
        return WholeTexts(network), lambda ids: _up_to_padding(ids, pad)
    # SigLIP attends to its padding, and CoCa's last token stands behind it.
    return WholeTexts(network), lambda ids: np.full(len(ids), ids.shape[1])


class CausalTexts(nn.Module):
    """open_clip's causal text transformer on texts cut behind the token that ends the longest.

    No token sees those after it, and the vector is read where the text ends. So the padding up to
    77 tokens, which open_clip computes every time, changes nothing; a query has ten tokens or so.
    """

    def __init__(self, owner: Any) -> None:
        """`owner` is the part of the network that holds the text transformer."""
        super().__init__()
        self.owner = owner

    def forward(self, ids: Tensor) -> Tensor:
        owner, length = self.owner, ids.shape[1]
        x = owner.token_embedding(ids) + owner.positional_embedding[:length]
        x = owner.transformer(x, attn_mask=owner.attn_mask[:length, :length])
        x = owner.ln_final(x)[torch.arange(ids.shape[0], device=ids.device), ids.argmax(dim=-1)]
        projection = owner.text_projection
        if isinstance(projection, nn.Linear):
            x = projection(x)
        elif projection is not None:
            x = x @ projection
        out: Tensor = x
        return out


class WholeTexts(nn.Module):
    """Any other text tower of open_clip, called as open_clip does."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: Tensor) -> Tensor:
        out: Tensor = self.network.encode_text(ids)
        return out


def _is_causal(network: Any, owner: Any) -> bool:
    """Whether no token sees later ones, and the vector is that of the token ending the text."""
    mask = getattr(owner, "attn_mask", None)
    pooling = getattr(network, "text_pool_type", getattr(owner, "pool_type", None))
    if pooling != "argmax" or mask is None or mask.dim() != 2:
        return False
    if getattr(owner, "cls_emb", None) is not None or getattr(owner, "use_pad_mask", False):
        return False
    # Above the diagonal everything is shut out: that, and not its name, makes it causal.
    return int(torch.isinf(mask.triu(1)).sum()) == len(mask) * (len(mask) - 1) // 2


def _up_to_padding(ids: NDArray[np.int64], pad: int) -> NDArray[np.int64]:
    """Towers of transformers mask padding out, so that it can be left away.

    Up to the last that is no padding: a text may spell out the padding token.
    """
    places = np.arange(1, ids.shape[1] + 1)
    return np.asarray(np.where(ids == pad, 1, places).max(axis=1), dtype=np.int64)
