"""CLIP's text tower without the padding: the same vectors from a fraction of the work."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


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
        # The token that ends a text has the highest number of all.
        x = owner.ln_final(x)[torch.arange(ids.shape[0], device=ids.device), ids.argmax(dim=-1)]
        projection = owner.text_projection
        if projection is None:
            return torch.as_tensor(x)
        return torch.as_tensor(
            projection(x) if isinstance(projection, nn.Linear) else x @ projection
        )


class WholeTexts(nn.Module):
    """Any other text tower of open_clip, called as open_clip does."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: Tensor) -> Tensor:
        return torch.as_tensor(self.network.encode_text(ids))


def trimmed_tower(network: Any) -> tuple[nn.Module, bool]:
    """The text tower of an open_clip network, and whether it takes texts without padding."""
    owner = getattr(network, "text", network)
    pooling = getattr(network, "text_pool_type", getattr(owner, "pool_type", None))
    mask = getattr(owner, "attn_mask", None)
    causal = (
        pooling == "argmax"
        and mask is not None
        and mask.dim() == 2
        # Above the diagonal everything is shut out: that, and not its name, makes it causal.
        and bool(torch.isinf(mask.triu(1)).sum() == mask.shape[0] * (mask.shape[0] - 1) // 2)
        and getattr(owner, "cls_emb", None) is None
        and not getattr(owner, "use_pad_mask", False)
    )
    return (CausalTexts(owner), True) if causal else (WholeTexts(network), False)
