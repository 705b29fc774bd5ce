"""Models of sentence-transformers: texts only, through the library itself."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import PIL.Image

from indexer.domain import Kind
from indexer.embedders.device import batch_for, choose_device
from indexer.embedders.encodable import encodable
from indexer.embedders.model import Files, Model
from indexer.embedders.progress import no_progress_bar
from indexer.embedders.weights import fetch, find, fingerprint
from indexer.errors import ModelUnavailable, UnsupportedMedia
from indexer.ports import Logits, Pixels, Vectors

# Part of the fingerprint: raise it when the handling of texts changes the vectors.
VERSION: Final = 1

# Tokens that a model reads if it does not say: what BERT and its kin are trained with.
USUAL_WINDOW: Final = 512

# Files that decide the vectors, beside the weights; patterns relative to the model's folder.
SET_UP: Final = (
    "modules.json",
    "*/config.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "tokenizer.json",
    "sentencepiece.bpe.model",
    "spiece.model",
    "vocab.txt",
)


class SentenceEmbedder:
    """A sentence-transformers model.

    Threads need no lock: the library's tokenizer is used with one setting only after the first
    call, which is made here, and tokens are counted with a copy of it.
    """

    kinds: Final = frozenset({Kind.TEXT})
    image_size: Final = 0
    # What sentence-transformers' usual loss multiplies cosines by in training.
    logits: Final = {Kind.TEXT: Logits(scale=20.0)}

    def __init__(self, name: str, fingerprint: str, library: Any, batch_size: int = 32) -> None:
        """`library` is a SentenceTransformer in evaluation mode."""
        self.name: Final = name
        self.fingerprint: Final = fingerprint
        self._library = library
        self._batch_size = batch_size
        self._counter = copy.deepcopy(library.tokenizer)
        self.dimension: Final = int(library.encode([""], show_progress_bar=False).shape[-1])
        special = int(self._counter.num_special_tokens_to_add(pair=False))
        (prompt,) = self.count_tokens([(library.prompts or {}).get("document") or ""])
        self.text_window: Final = int(library.max_seq_length or USUAL_WINDOW) - special - prompt

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens and prompts not counted, beyond the window too."""
        if not texts:
            return []
        rows = self._counter(
            [encodable(text) for text in texts],
            add_special_tokens=False,
            padding=False,
            truncation=False,
            return_attention_mask=False,
            verbose=False,
        )
        return [len(row) for row in rows["input_ids"]]

    def prepare(self, image: PIL.Image.Image) -> Pixels:  # noqa: ARG002
        """Raises `UnsupportedMedia`: the model reads texts only."""
        raise self._no_images()

    def embed_images(self, prepared: Sequence[Pixels]) -> Vectors:  # noqa: ARG002
        """Raises `UnsupportedMedia`: the model reads texts only."""
        raise self._no_images()

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (n, dimension), of passages, with the model's document prompt."""
        return self._embed(texts, self._library.encode_document)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (n, dimension), of queries, with the model's query prompt."""
        return self._embed(texts, self._library.encode_query)

    def _embed(self, texts: Sequence[str], encode: Callable[..., Any]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        vectors = encode(
            [encodable(text) for text in texts],
            batch_size=self._batch_size,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(vectors, dtype=np.float32)

    def _no_images(self) -> UnsupportedMedia:
        return UnsupportedMedia(
            f"Model {self.name!r} reads texts only; index pictures with mini or a CLIP model.",
            model=self.name,
        )


def load_sentence(
    model: Model, device: str = "auto", batch_size: int | None = None
) -> SentenceEmbedder:
    """The model of that row on `device`.

    Raises `ModelUnavailable` if its files are out of reach, damaged, or want to run code.
    """
    folder = fetch(model, _files(model))
    _refuse_code(model, folder)
    from sentence_transformers import SentenceTransformer

    target = choose_device(device)
    try:
        with no_progress_bar():
            library = SentenceTransformer(str(folder), device=target, local_files_only=True)
    except Exception as error:  # transformers, safetensors and the library each raise their own
        raise ModelUnavailable(
            f"The model in {folder} could not be loaded: {error}",
            model=model.name,
            file=str(folder),
        ) from error
    return SentenceEmbedder(
        model.name,
        str(sentence_fingerprint(model)),
        library.eval(),
        batch_size or batch_for(target),
    )


def sentence_fingerprint(model: Model) -> str | None:
    """The fingerprint from the files on disk, without loading them; None if they are not there."""
    folder = find(_files(model))
    if folder is None:
        return None
    set_up = [path for pattern in SET_UP for path in sorted(folder.glob(pattern))]
    return fingerprint(["sentence", VERSION], [*_weights(folder), *set_up])


def _weights(folder: Path) -> list[Path]:
    """Weights of the model and of its later modules; pickled ones only where no others are."""
    for suffix in ("safetensors", "bin"):
        found = [*sorted(folder.glob(f"*.{suffix}")), *sorted(folder.glob(f"[0-9]_*/*.{suffix}"))]
        if found:
            return found
    return []


def _files(model: Model) -> Files:
    if model.weights is None:
        raise ValueError(f"the row {model.name!r} names no weights")
    return model.weights


def _refuse_code(model: Model, folder: Path) -> None:
    """Raises `ModelUnavailable` if the folder names modules that are not the library's own.

    sentence-transformers before 6.0 runs the Python files of a local folder without asking.
    """
    modules = json.loads((folder / "modules.json").read_text("utf-8"))
    foreign = [m["type"] for m in modules if not m["type"].startswith("sentence_transformers.")]
    if foreign:
        raise ModelUnavailable(
            f"The model in {folder} brings program code ({', '.join(foreign)}), which is not run.",
            model=model.name,
            file=str(folder / "modules.json"),
        )
