"""Models that take pictures only: one Embedder for all of them, whichever library they are from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import PIL.Image

from indexer.domain import Kind
from indexer.embedders.batching import stacked
from indexer.embedders.device import batch_for
from indexer.embedders.model import Model
from indexer.embedders.preprocess import Preprocess, prepare
from indexer.errors import ModelUnavailable, UnsupportedMedia
from indexer.ports import Pixels, Vectors

if TYPE_CHECKING:
    from indexer.embedders.tower import Tower

Prepare = Callable[[PIL.Image.Image], Pixels]
"""An RGB image as the model's input, of one shape for all images."""

Embed = Callable[[Iterable[tuple[Pixels, ...]]], Vectors]
"""Batches of stacked inputs to unit vectors."""

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
        embed: Embed,
        prepare: Prepare,
        image_size: int,
        batch_size: int = 32,
        towers: Mapping[str, Tower] = MappingProxyType({}),
    ) -> None:
        """`image_size` is the shorter side that `prepare` resizes to, before any crop. `towers`
        has what of the model can be compiled.

        Raises `ModelUnavailable` if the model does not give one and the same vector for a picture.
        """
        self.name: Final = model.name
        self.fingerprint: Final = fingerprint
        self.image_size: Final = image_size
        self._embed = embed
        self._prepare = prepare
        self._batch_size = batch_size
        self.towers: Final = towers
        self.dimension: Final = self._proven(model)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:  # noqa: ARG002
        """Raises `UnsupportedMedia`: the model sees pictures only."""
        raise self._no_texts()

    def prepare(self, image: PIL.Image.Image) -> Pixels:
        """An RGB image in the size of the model's own preprocessing."""
        return self._prepare(image)

    def embed_images(self, prepared: Sequence[Pixels]) -> Vectors:
        """Unit vectors, shape (n, dimension), of prepared images."""
        if not prepared:
            return np.empty((0, self.dimension), dtype=np.float32)
        return self._embed(stacked(prepared, self._batch_size))

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
            once, again = self._embed([(batch,)]), self._embed([(batch,)])
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


def picture_tower(network: Any, how: Preprocess) -> Tower:
    """A network for pictures that takes them as `how` leaves them, in bytes."""
    from indexer.embedders.tower import Pictures, Tower, example_pictures

    pictures = Pictures(network, how.mean, how.std)
    return Tower(pictures, lambda: example_pictures(how.height, how.width))


def picture_embedder(
    model: Model,
    fingerprint: str,
    network: Any,
    how: Preprocess,
    device: str,
    batch_size: int | None,
) -> VisionEmbedder:
    """The Embedder of a network on `device` whose pictures are prepared by us, as `how` tells."""
    tower = picture_tower(network, how)
    return VisionEmbedder(
        model,
        fingerprint,
        tower.embed,
        lambda image: prepare(image, how),
        image_size=min(how.fitted),
        batch_size=batch_size or batch_for(device),
        towers={"image": tower},
    )


def _unfit(model: Model, problem: str) -> ModelUnavailable:
    return ModelUnavailable(f"Model {model.name!r} {problem}.", model=model.name)
