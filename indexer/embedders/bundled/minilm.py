"""all-MiniLM-L6-v2 as a torch module, written out: it costs the import of torch and no more."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

DIMENSION = 384
TEXT_LAYERS = 6
TEXT_HEADS = 12
VOCABULARY = 30522

# In this order: "attention.output.dense" before "output.dense", which it contains.
TEXT_NAMES = (
    ("embeddings.word_embeddings", "words"),
    ("embeddings.position_embeddings", "positions"),
    ("embeddings.token_type_embeddings", "segments"),
    ("embeddings.LayerNorm", "norm"),
    ("encoder.layer.", "layers."),
    ("attention.self.", ""),
    ("attention.output.dense", "mix"),
    ("attention.output.LayerNorm", "mix_norm"),
    ("intermediate.dense", "widen"),
    ("output.dense", "narrow"),
    ("output.LayerNorm", "norm"),
)


class Layer(nn.Module):
    """One BERT layer, post-norm; dropout is left out because it only ever runs frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(DIMENSION, DIMENSION)
        self.key = nn.Linear(DIMENSION, DIMENSION)
        self.value = nn.Linear(DIMENSION, DIMENSION)
        self.mix = nn.Linear(DIMENSION, DIMENSION)
        self.mix_norm = nn.LayerNorm(DIMENSION, eps=1e-12)
        self.widen = nn.Linear(DIMENSION, 4 * DIMENSION)
        self.narrow = nn.Linear(4 * DIMENSION, DIMENSION)
        self.norm = nn.LayerNorm(DIMENSION, eps=1e-12)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        query, key, value = (
            linear(x).unflatten(-1, (TEXT_HEADS, -1)).transpose(1, 2)
            for linear in (self.query, self.key, self.value)
        )
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = self.mix_norm(x + self.mix(attended.transpose(1, 2).flatten(2)))
        out: Tensor = self.norm(x + self.narrow(functional.gelu(self.widen(x))))
        return out


class TextTower(nn.Module):
    """all-MiniLM-L6-v2: token ids, (n, t), and their mask, True for tokens, to (n, 384) units."""

    def __init__(self) -> None:
        super().__init__()
        # Made empty: drawing random ones makes torch import two seconds' worth of modules.
        self.words, self.positions, self.segments = (
            nn.Embedding(rows, DIMENSION, _weight=torch.empty(rows, DIMENSION))
            for rows in (VOCABULARY, 512, 2)
        )
        self.norm = nn.LayerNorm(DIMENSION, eps=1e-12)
        self.layers = nn.ModuleList(Layer() for _ in range(TEXT_LAYERS))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        start = self.positions.weight[: ids.shape[1]] + self.segments.weight[0]
        x = self.norm(self.words(ids) + start)
        # Without padding there is nothing to mask, and attention takes its fast path. What is
        # exported must do for every mask.
        whole = not torch.compiler.is_exporting() and bool(mask.all())
        attended = None if whole else mask[:, None, None, :]
        for layer in self.layers:
            x = layer(x, attended)
        weights = mask.unsqueeze(-1).to(x.dtype)
        return functional.normalize((x * weights).sum(1) / weights.sum(1), dim=-1)


def text_parameter(stored: str) -> str | None:
    """Our name of a parameter in MiniLM's own file, None for what sentence vectors do not use."""
    if stored.startswith("pooler.") or stored.endswith("position_ids"):
        return None
    for theirs, ours in TEXT_NAMES:
        stored = stored.replace(theirs, ours)
    return stored
