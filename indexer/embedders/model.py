"""What is known of a model as data: one row of the catalogue, or one made up for a name.

Neither torch nor a model library is imported here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from indexer.domain import Kind

Loader = Literal["mini", "clip", "sentence", "timm", "torchvision", "transformers", "pixels"]

BOTH: Final = frozenset({Kind.IMAGE, Kind.TEXT})
TEXT: Final = frozenset({Kind.TEXT})
IMAGE: Final = frozenset({Kind.IMAGE})

CLIP_WEIGHTS: Final = (("open_clip_model.safetensors", "open_clip_pytorch_model.bin"),)
TOKENIZER: Final = (
    ("tokenizer.json", "sentencepiece.bpe.model", "spiece.model", "vocab.json", "vocab.txt"),
)
SENTENCE_WEIGHTS: Final = (
    ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"),
    ("modules.json",),
    ("config.json",),
    *TOKENIZER,
)
TIMM_WEIGHTS: Final = (("model.safetensors", "pytorch_model.bin"),)
TRANSFORMERS_WEIGHTS: Final = (
    ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"),
    ("config.json",),
    ("preprocessor_config.json",),
)


@dataclass(frozen=True, slots=True)
class Files:
    """Files that lie together: in a folder, else in an installed package, else on the hub.

    Of each group in `need`, the first name that exists will do. `sha256` is that of the file of
    the first group, where it is known, or its first digits. `url` is where a person finds that
    file if it has to be put into `folder`.
    """

    need: tuple[tuple[str, ...], ...]
    folder: Path | None = None
    package: str | None = None
    repo: str | None = None
    sha256: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """One row: what the model takes and gives, and where its weights come from.

    `dimension` and `text_window` (tokens, special ones not counted) are None where only loading
    tells; `image_size` is 0 for text models and where only loading tells. `weights` is None if they
    are part of Semblance, or if only the library knows where the name leads. `texts` are tokenizer
    files that lie elsewhere. `pooling` says how an image model's features become one vector: `cls`
    (the class token), `average` (over all places), `penultimate` (what the classifier is given),
    None where the library's own way is taken.
    """

    name: str
    loader: Loader
    kinds: frozenset[Kind]
    description: str
    dimension: int | None = None
    text_window: int | None = None
    image_size: int = 0
    megabytes: int | None = None
    licence: str | None = None
    weights: Files | None = None
    texts: Files | None = None
    architecture: str | None = None
    tag: str | None = None
    pooling: str | None = None
