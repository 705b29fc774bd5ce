"""How much of a padded batch of tokens a text tower has to see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def lengths_to_read(tokens: torch.Tensor, network: Any) -> torch.Tensor:
    """Of each row of (n, window) tokens how many open_clip's network must be given, shape (n,).

    Towers of transformers mask padding out, so that it can be left away without changing vectors.
    The whole window where padding counts (SigLIP attends to it) or has its place (CLIP's own).
    """
    import torch
    from open_clip.hf_model import HFTextEncoder

    tower = getattr(network, "text", None)
    if not isinstance(tower, HFTextEncoder):
        return torch.full((len(tokens),), tokens.shape[1])
    places = torch.arange(1, tokens.shape[1] + 1)
    # Up to the last that is no padding: a text may spell out the padding token.
    read = torch.where(tokens == tower.config.pad_token_id, 1, places)
    return read.amax(dim=1)
