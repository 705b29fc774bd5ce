"""`pixels`: the picture itself as a vector, the baseline that a model has to beat."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from indexer.embedders.model import Model
from indexer.embedders.preprocess import Preprocess, prepare
from indexer.embedders.vision.embedder import VisionEmbedder
from indexer.embedders.weights import fingerprint
from indexer.ports import Pixels, Vectors

# Part of the fingerprint: raise it when the numbers change.
VERSION: Final = 1
SIDE: Final = 32
SQUASHED: Final = Preprocess(
    SIDE, SIDE, "squash", PIL.Image.Resampling.BILINEAR, mean=(0, 0, 0), std=(1, 1, 1)
)


def load_pixels(
    model: Model, _device: str = "cpu", batch_size: int | None = None
) -> VisionEmbedder:
    """The baseline; there are no weights to load, and no device to choose."""
    return VisionEmbedder(
        model,
        pixels_fingerprint(model),
        embed,
        lambda image: prepare(image, SQUASHED),
        image_size=SIDE,
        batch_size=batch_size or 32,
    )


def pixels_fingerprint(_model: Model) -> str:
    """Always known: it stands for the numbers above alone."""
    return fingerprint(["pixels", VERSION, SIDE], [])


def embed(batches: Iterable[tuple[Pixels, ...]]) -> Vectors:
    """Unit vectors, (n, 3072), of batches of pictures, each (n, 32, 32, 3)."""
    rows = np.concatenate([centred(pictures) for (pictures,) in batches])
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / lengths, dtype=np.float32)


def centred(pictures: Pixels) -> NDArray[np.float32]:
    """Each picture's values less their mean, (n, 3072): cosines are then Pearson correlations.

    So neither brightness nor contrast counts, only where it is lighter and of which colour. A
    picture of one grey has no such vector; all of them share one that is orthogonal to the rest.
    """
    rows = pictures.reshape(len(pictures), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    flat = np.abs(rows).max(axis=1, keepdims=True) < 1e-3
    return np.asarray(np.where(flat, np.float32(1), rows), dtype=np.float32)
