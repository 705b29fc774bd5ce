"""Doubles for the ports: small, honest, and checkable by eye."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from indexer.domain import AssetId, Kind
from indexer.embedders.in_use import InUse, in_use
from indexer.errors import ModelNotFound, ModelUnavailable
from indexer.ports import Embedder, Pixels, Priority, Vectors

COLOURS = {"red": 0, "green": 1, "blue": 2}


class ColourEmbedder:
    """Sees nothing but colour: pictures by their mean, texts by the colour words in them.

    Dimensions: red, green, blue and a small constant, so that nothing is a vector of zeros.
    """

    name = "colour"
    fingerprint = "colour-1"
    dimension = 4
    kinds = frozenset({Kind.IMAGE, Kind.TEXT})
    image_size = 8
    text_window = 12

    def __init__(self) -> None:
        self.embedded: list[str] = []
        self.poison: str | None = None

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    def prepare(self, image: PIL.Image.Image) -> Pixels:
        return np.asarray(image.convert("RGB").resize((8, 8)), dtype=np.uint8)

    def embed_images(self, prepared: Sequence[Pixels]) -> Vectors:
        self.embedded += ["image"] * len(prepared)
        means = [picture.mean(axis=(0, 1)) / 255 for picture in prepared]
        return _unit(np.stack(means).astype(np.float32))

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        if self.poison is not None and any(self.poison in text for text in texts):
            raise RuntimeError("the model trips over this text")
        self.embedded += list(texts)
        rows = np.zeros((len(texts), 3), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().replace(".", " ").split():
                if word in COLOURS:
                    row[COLOURS[word]] += 1
        return _unit(rows)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self.embed_texts(texts)


class TextOnlyEmbedder(ColourEmbedder):
    """The same for texts alone, as a second Space."""

    name = "words"
    fingerprint = "words-1"
    kinds = frozenset({Kind.TEXT})


class PictureOnlyEmbedder(ColourEmbedder):
    """The same for pictures alone, as an image model is."""

    name = "sight"
    fingerprint = "sight-1"
    kinds = frozenset({Kind.IMAGE})


class FakeEmbedders:
    """Gives the Embedders it was made with; `broken` makes it fail like a hub out of reach."""

    def __init__(self, *embedders: Embedder) -> None:
        self._embedders = {embedder.name: embedder for embedder in embedders}
        self.broken = False

    def know(self, *embedders: Embedder) -> None:
        """Give these as well from now on."""
        self._embedders.update({embedder.name: embedder for embedder in embedders})

    def in_use(self) -> list[InUse]:
        return [in_use(embedder) for embedder in self._embedders.values()]

    def get(self, name: str) -> Embedder:
        if self.broken:
            raise ModelUnavailable(f"The weights of {name!r} are out of reach.", model=name)
        if name not in self._embedders:
            raise ModelNotFound(f"There is no model {name!r}.", model=name)
        return self._embedders[name]


class DirectQueue:
    """Runs each job at once, in the caller's thread."""

    def __init__(self, run: Callable[[str, Sequence[AssetId]], object]) -> None:
        self._run = run

    def enqueue(
        self,
        collection: str,
        ids: Sequence[AssetId],
        kind: Kind,
        priority: Priority,
    ) -> None:
        self._run(collection, ids)


class LosingQueue:
    """Takes every job and loses it, as a crash would."""

    def __init__(self) -> None:
        self.lost: list[AssetId] = []

    def enqueue(
        self, collection: str, ids: Sequence[AssetId], kind: Kind, priority: Priority
    ) -> None:
        self.lost += ids


def _unit(colours: NDArray[np.float32]) -> Vectors:
    rows = np.concatenate([colours, np.full((len(colours), 1), 0.1, dtype=np.float32)], axis=1)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)
