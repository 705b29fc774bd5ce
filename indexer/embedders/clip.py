"""Models of open_clip: one space for pictures and the phrases that describe them.

Weights are safetensors, or read by torch with `weights_only=True`; nothing is unpickled.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from indexer.domain import Kind
from indexer.embedders.batching import batches_by_length, stacked
from indexer.embedders.device import batch_for, choose_device
from indexer.embedders.encodable import encodable
from indexer.embedders.model import CLIP_WEIGHTS, Files, Model
from indexer.embedders.naming import architectures
from indexer.embedders.preprocess import Preprocess, prepare
from indexer.embedders.weights import fetch, find, fingerprint, weights_file
from indexer.errors import ModelNotFound, ModelUnavailable
from indexer.ports import Logits, Pixels, Vectors

# Part of the fingerprint: raise it when preparation or pooling changes the vectors.
VERSION: Final = 1

# How images are prepared, as open_clip's tags name it.
PREPARED: Final = frozenset({"mean", "std", "interpolation", "resize_mode"})


class ClipEmbedder:
    """An open_clip model. Forward passes share no state; only the tokenizer takes a lock."""

    kinds: Final = frozenset({Kind.IMAGE, Kind.TEXT})

    def __init__(
        self, model: Model, fingerprint: str, network: Any, tokenizer: Any, batch_size: int = 32
    ) -> None:
        """`network` in evaluation mode, made by open_clip; `tokenizer` is open_clip's for it."""
        from indexer.embedders.padding import text_tower
        from indexer.embedders.tower import Pictures, Tower, Unit, example_pictures

        self.name: Final = model.name
        self.dimension: Final = int(model.dimension or 0)
        self.fingerprint: Final = fingerprint
        self.logits: Final = {Kind.IMAGE: _logits(network)}
        self._tokenizer = tokenizer
        self._batch_size = batch_size
        self._preprocess = how = _preprocess(network.visual.preprocess_cfg)
        self._tokenizing = threading.Lock()
        self.image_size: Final = min(how.height, how.width)
        self.text_window: Final = int(tokenizer.context_length) - _special_tokens(tokenizer)
        pictures = Pictures(network.visual, how.mean, how.std)
        texts, self._lengths = text_tower(network)
        self.towers: Final = {
            "image": Tower(pictures, lambda: example_pictures(how.height, how.width)),
            "text": Tower(Unit(texts), self._example_texts),
        }

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens not counted, beyond the window too."""
        clean = [encodable(text) for text in texts]
        with self._tokenizing:
            if not hasattr(self._tokenizer, "tokenizer"):
                return [len(self._tokenizer.encode(text)) for text in clean]
            clean = [self._tokenizer.clean_fn(text) for text in clean]
            options = {"truncation": False, "padding": False, "verbose": False}
            ids = self._tokenizer.tokenizer(clean, add_special_tokens=False, **options)
            return [len(row) for row in ids["input_ids"]] if clean else []

    def prepare(self, image: PIL.Image.Image) -> Pixels:
        """An RGB image in the size of open_clip's own preprocessing, (height, width, 3)."""
        return prepare(image, self._preprocess)

    def embed_images(self, prepared: Sequence[Pixels]) -> Vectors:
        """Unit vectors, shape (n, dimension), of prepared images."""
        if not prepared:
            return np.empty((0, self.dimension), dtype=np.float32)
        return self.towers["image"].embed(stacked(prepared, self._batch_size))

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (n, dimension), of texts, cut at the model's window."""
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        ids = self._token_ids(texts)
        lengths = self._lengths(ids)
        rows = list(batches_by_length(lengths.tolist(), self._batch_size))
        batches = ((ids[some, : lengths[some].max()],) for some in rows)
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        vectors[[row for some in rows for row in some]] = self.towers["text"].embed(batches)
        return vectors

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (n, dimension), of queries, which CLIP treats like any text."""
        return self.embed_texts(texts)

    def _token_ids(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Token ids, shape (n, context length), padded behind the token that ends each text."""
        with self._tokenizing:
            ids = self._tokenizer([encodable(text) for text in texts])
        return np.asarray(ids, dtype=np.int64)

    def _example_texts(self) -> Sequence[tuple[NDArray[np.int64]]]:
        from indexer.embedders.tower import EXAMPLE_TEXTS

        ids = self._token_ids(EXAMPLE_TEXTS)
        lengths = self._lengths(ids)
        return [(ids[:1, : lengths[0]],), (ids[:, : lengths.max()],)]


def load_clip(model: Model, device: str = "auto", batch_size: int | None = None) -> ClipEmbedder:
    """The model of that row on `device`; on a GPU it computes in half precision.

    Raises `ModelNotFound` for a tag that open_clip does not know, `ModelUnavailable` if weights
    are out of reach or are not those of the architecture.
    """
    weights, texts = clip_files(model)
    file = weights_file(fetch(model, weights), weights)
    text_folder = fetch(model, texts) if texts else None
    target = choose_device(device)
    network = _network(model, file, text_folder, target)
    tokenizer = _tokenizer(str(model.architecture), text_folder)
    size = batch_size or batch_for(target)
    return ClipEmbedder(model, str(clip_fingerprint(model)), network, tokenizer, size)


def clip_files(model: Model) -> tuple[Files, Files | None]:
    """Where the weights and, if they lie elsewhere, the tokenizer's files are.

    For a tag that is not in the catalogue this imports open_clip, which knows where it leads.
    Raises `ModelNotFound` if it does not.
    """
    if model.weights is not None:
        return model.weights, model.texts
    published = _published(str(model.architecture), model.tag)
    repo, _, file = str(published.get("hf_hub", "")).rpartition("/")
    if not repo:
        import open_clip

        tags = open_clip.list_pretrained_tags_by_model(model.architecture)
        raise ModelNotFound(
            f"open_clip has no tag {model.tag!r} for {model.architecture}; it has "
            f"{', '.join(tags) or 'none'}.",
            name=model.name,
        )
    safe = (str(Path(file).with_suffix(".safetensors")), file)
    return Files((safe,) if file else CLIP_WEIGHTS, repo=repo), model.texts


def clip_fingerprint(model: Model) -> str | None:
    """The fingerprint from the files on disk, without loading them; None if they are not there."""
    weights, texts = clip_files(model)
    folder = find(weights)
    text_folder = find(texts) if texts else None
    if folder is None or (texts is not None and text_folder is None):
        return None
    files = [weights_file(folder, weights)]
    if texts is not None and text_folder is not None:
        files.append(weights_file(text_folder, texts))
    config = json.loads(architectures()[str(model.architecture)].read_text("utf-8"))
    return fingerprint(["clip", VERSION, model.architecture, model.tag, config], files)


def _published(architecture: str, tag: str | None) -> dict[str, Any]:
    """What open_clip knows of a tag: its place, mean, std, fit and activation; empty if nothing.

    A local file is taken for the first tag: open_clip would prepare SigLIP's images like CLIP's.
    """
    import open_clip

    tags = [tag] if tag is not None else open_clip.list_pretrained_tags_by_model(architecture)
    return dict(open_clip.get_pretrained_cfg(architecture, tags[0])) if tags else {}


def _network(model: Model, file: Path, text_folder: Path | None, device: str) -> Any:
    """open_clip's network with these weights, in evaluation mode. Raises `ModelUnavailable`."""
    import open_clip

    published = _published(str(model.architecture), model.tag)
    text = open_clip.get_model_config(model.architecture)["text_cfg"]
    try:
        network = open_clip.create_model(
            model.architecture,
            pretrained=str(file),
            device=device,
            # open_clip only warns if a tag wants the other GELU; its vectors would be wrong.
            force_quick_gelu=model.tag is not None and bool(published.get("quick_gelu")),
            force_preprocess_cfg={key: published[key] for key in PREPARED & published.keys()},
            **({"text_cfg": _text_config(text, text_folder)} if text_folder else {}),
        )
    except Exception as error:  # pickle, safetensors, torch and open_clip each raise their own
        raise ModelUnavailable(
            f"The weights {file} could not be read as {model.architecture}: {error}",
            model=model.name,
            file=str(file),
        ) from error
    return network.eval()


def _text_config(text: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The text tower's set-up, with transformers' configuration taken from a local folder."""
    if "hf_model_name" not in text:
        return dict(text)
    return {**text, "hf_model_name": str(folder), "hf_model_pretrained": False}


def _tokenizer(architecture: str, folder: Path | None) -> Any:
    import open_clip

    if folder is None:
        return open_clip.get_tokenizer(architecture)
    text = open_clip.get_model_config(architecture)["text_cfg"]
    return open_clip.tokenizer.HFTokenizer(
        str(folder),
        context_length=text.get("context_length", open_clip.tokenizer.DEFAULT_CONTEXT_LENGTH),
        tokenizer_mode=text.get("tokenizer_mode"),
        **text.get("tokenizer_kwargs", {}),
    )


def _logits(network: Any) -> Logits:
    """What the network learnt of its cosines: open_clip keeps the scale's logarithm."""
    bias = getattr(network, "logit_bias", None)
    scale = network.logit_scale.detach().exp()
    return Logits(scale.item(), None if bias is None else bias.detach().item())


def _preprocess(config: Mapping[str, Any]) -> Preprocess:
    size = config["size"]
    height, width = (size, size) if isinstance(size, int) else size
    bilinear = config["interpolation"] == "bilinear"
    return Preprocess(
        height=height,
        width=width,
        fit=config["resize_mode"],
        filter=PIL.Image.Resampling.BILINEAR if bilinear else PIL.Image.Resampling.BICUBIC,
        mean=config["mean"],
        std=config["std"],
        fill=config["fill_color"],
    )


def _special_tokens(tokenizer: Any) -> int:
    """Tokens that the tokenizer puts around a text: start and end, as a rule."""
    if not hasattr(tokenizer, "tokenizer"):
        return 2
    if tokenizer.tokenizer_mode == "clips":
        return 3
    return int(tokenizer.tokenizer.num_special_tokens_to_add(pair=False))
