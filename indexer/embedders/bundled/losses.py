"""What `mini`'s tower is asked for: nearness to its captions, and what it knew before."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

CAPTIONS = 5

SHARPNESS = 20.0
"""How much nearer captions count more, where captions of other photos stand in for own ones."""

TEMPERATURE = 2.0
"""Softens what ImageNet's classifier says, so that its second thoughts are learnt too."""


def text_to_image(vectors: Tensor, captions: Tensor, scale: Tensor) -> Tensor:
    """InfoNCE of all captions of a batch, (b, 5, 384), against its images, (b, 384).

    Within the batch alone: vectors kept from earlier steps lag behind, and the loss falls merely
    by moving away from where they are.
    """
    owner = torch.arange(len(vectors)).repeat_interleave(CAPTIONS)
    return functional.cross_entropy(scale * captions.flatten(0, 1) @ vectors.T, owner)


def image_to_text(
    vectors: Tensor, rows: Tensor, captions: Tensor, scale: Tensor, lenience: float
) -> Tensor:
    """InfoNCE of images, (b, 384), against all captions, (n, 5, 384); the photos are `rows`.

    MiniLM stays as it is, so every caption there is can take part. `lenience` weights a second
    goal: captions of other photos count as much as they are like the own ones.
    """
    every = captions.flatten(0, 1)
    chances = (scale * vectors @ every.T).log_softmax(1)
    own = chances.gather(1, rows[:, None] * CAPTIONS + torch.arange(CAPTIONS))
    with torch.no_grad():
        meant = functional.normalize(captions[rows].mean(1), dim=-1)
        like = (SHARPNESS * meant @ every.T).softmax(1)
    return lenience * functional.kl_div(chances, like, reduction="batchmean") - own.mean()


def remembered(said: Tensor, logits: Tensor) -> Tensor:
    """How far (b, 1000) log-chances of ImageNet's classes stray from the classifier's logits."""
    taught = (logits / TEMPERATURE).log_softmax(1)
    return functional.kl_div(said, taught, reduction="batchmean", log_target=True)
