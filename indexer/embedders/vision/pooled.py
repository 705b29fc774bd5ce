"""One vector a picture out of a model of transformers."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class Pooled(nn.Module):
    """Pixels, (n, 3, height, width), to one vector each, (n, dimension).

    The class token after the last layer, else the model's own pooling, else the average. Not the
    pooler where there is a class token: ViT's is trained for classes, and often missing.
    """

    def __init__(self, network: Any, by_class_token: bool) -> None:
        super().__init__()
        self.network = network
        self.by_class_token = by_class_token

    def forward(self, pixels: Tensor) -> Tensor:
        output = self.network(pixel_values=pixels)
        if self.by_class_token:
            found: Tensor = output.last_hidden_state[:, 0]
        elif output.get("pooler_output") is not None:
            found = output.pooler_output.flatten(1)
        else:
            found = output.last_hidden_state.mean(dim=1)
        return found
