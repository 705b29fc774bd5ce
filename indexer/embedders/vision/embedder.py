"""Models that take pictures only: one Embedder for all of them, whichever library they are from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from indexer.domain import Kind
from indexer.embedders.model import Model
from indexer.embedders.precision import precision
from indexer.errors import ModelUnavailable, UnsupportedMedia
from indexer.ports import Vectors

if TYPE_CHECKING:
    import torch

Prepare = Callable[[PIL.Image.Image], NDArray[np.float32]]
"""An RGB image as the model's input, float32 of shape (3, height, width)."""

Forward = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Prepared images, (n, 3, height, width), to one vector each of any length, (n, dimension)."""

# Odd sizes, so that a model whose input follows the picture's shape shows it.
PROBES: Final = ((97, 131), (131, 97))


class VisionEmbedder:
    """An Embedder of pictures. Holds no state beside weights, so threads need no lock."""

    kinds: Final = frozenset({Kind.IMAGE})
    text_window: Final = 0

    def __init__(
        self,
        model: Model,
        fingerprint: str,
        forward: Forward,
        prepare: Prepare,
        image_size: int,
        batch_size: int = 32,
    ) -> None:
        """`image_size` is the shorter side that `prepare` resizes to, before any crop.

        Raises `ModelUnavailable` if the model does not give one and the same vector for a picture.
        """
        self.name: Final = model.name
        self.fingerprint: Final = fingerprint
        self.image_size: Final = image_size
        self._forward = forward
        self._prepare = prepare
        self._batch_size = batch_size
        self.dimension: Final = self._proven(model)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:  # noqa: ARG002
        """Raises `UnsupportedMedia`: the model sees pictures only."""
        raise self._no_texts()

    def prepare(self, image: PIL.Image.Image) -> NDArray[np.float32]:
        """An RGB image as the model's own preprocessing makes it, shape (3, height, width)."""
        return self._prepare(image)

    def embed_images(self, prepared: Sequence[NDArray[np.float32]]) -> Vectors:
        """Unit vectors, shape (n, dimension), of prepared images."""
        vectors = np.empty((len(prepared), self.dimension), dtype=np.float32)
        for start in range(0, len(prepared), self._batch_size):
            batch = np.stack(prepared[start : start + self._batch_size])
            vectors[start : start + len(batch)] = unit(self._forward(batch))
        return vectors

    def embed_texts(self, texts: Sequence[str]) -> Vectors:  # noqa: ARG002
        """Raises `UnsupportedMedia`: the model sees pictures only."""
        raise self._no_texts()

    def embed_queries(self, texts: Sequence[str]) -> Vectors:  # noqa: ARG002
        """Raises `UnsupportedMedia`: the model sees pictures only."""
        raise self._no_texts()

    def _no_texts(self) -> UnsupportedMedia:
        return UnsupportedMedia(
            f"Model {self.name!r} sees pictures only; for texts use mini, a CLIP or a sentence "
            "model.",
            model=self.name,
        )

    def _proven(self, model: Model) -> int:
        """The dimension, once two noisy pictures have gone through twice with equal results."""
        noise = np.random.default_rng(0)
        pictures = [
            PIL.Image.fromarray(noise.integers(0, 256, (*size, 3), dtype=np.uint8))
            for size in PROBES
        ]
        try:
            batch = np.stack([self._prepare(picture) for picture in pictures])
            once, again = unit(self._forward(batch)), unit(self._forward(batch))
        except Exception as error:  # each library and architecture raises its own
            problem = (
                f"does not turn a picture alone into a vector: {error}. Models that take texts as "
                "well are named as open_clip's"
            )
            raise _unfit(model, problem) from error
        if once.ndim != 2 or len(once) != len(batch):
            raise _unfit(model, f"gives shape {once.shape} for two pictures, not one vector each")
        if not np.isfinite(once).all():
            raise _unfit(model, "gives numbers that are not finite: its weights may be damaged")
        if not np.allclose(once, again, atol=1e-2):
            raise _unfit(model, "gives another vector each time it sees the same picture")
        return int(once.shape[1])


def unit(vectors: NDArray[np.float32]) -> Vectors:
    """Rows of length 1; a row of zeros stays one."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)


def on_device(encode: Callable[[torch.Tensor], torch.Tensor], device: str) -> Forward:
    """`encode` run by torch on `device`, on a GPU in half precision."""
    import torch

    target = torch.device(device)

    def forward(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode(), precision(target):
            # Convolutions are faster with channels last; attention does not mind.
            pixels = (
                torch.from_numpy(batch).to(target).contiguous(memory_format=torch.channels_last)
            )
            return np.asarray(encode(pixels).float().cpu().numpy(), dtype=np.float32)

    return forward


def _unfit(model: Model, problem: str) -> ModelUnavailable:
    return ModelUnavailable(f"Model {model.name!r} {problem}.", model=model.name)
