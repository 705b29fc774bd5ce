"""Image models of transformers: AutoModel with the image processor that lies beside it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import PIL.Image

from indexer.embedders.device import batch_for, choose_device
from indexer.embedders.model import Files, Model
from indexer.embedders.preprocess import Preprocess, middle_of_strip, prepare
from indexer.embedders.progress import no_progress_bar
from indexer.embedders.vision.embedder import Prepare, VisionEmbedder, picture_tower
from indexer.embedders.vision.state import unreadable
from indexer.embedders.weights import fetch, find, fingerprint
from indexer.errors import ModelUnavailable
from indexer.ports import Pixels

if TYPE_CHECKING:
    from indexer.embedders.tower import Tower

# Part of the fingerprint: raise it when preparation or pooling changes the vectors.
VERSION: Final = 1

SET_UP: Final = ("config.json", "preprocessor_config.json")

# Sizes with an odd number of pixels over on one side or the other, where croppings differ.
TRIALS: Final = ((151, 300), (300, 151), (227, 334), (90, 67))

# Mean difference that rounding leaves, in units of normalised pixels; a shift by one leaves 0.3.
ROUNDING: Final = 0.02


def load_transformers(
    model: Model, device: str = "auto", batch_size: int | None = None
) -> VisionEmbedder:
    """The model of that row on `device`; on a GPU it computes in half precision.

    Raises `ModelUnavailable` if its files are out of reach, damaged, incomplete, want to run code,
    or if the model is not one of pictures alone.
    """
    folder = fetch(model, _files(model))
    target = choose_device(device)
    network = _network(model, folder, target)
    processor = _processor(model, folder)
    how = _preprocess(processor)
    if how is not None and _agree(processor, how):
        tower, size = picture_tower(network, how), min(how.fitted)
        shown: Prepare = lambda image: prepare(image, how)  # noqa: E731 - typed, and said once
    else:
        shown = functools.partial(_by_library, processor)
        example = shown(PIL.Image.new("RGB", TRIALS[0]))
        tower, size = _float_tower(network, example), min(example.shape[1:])
    return VisionEmbedder(
        model,
        str(transformers_fingerprint(model)),
        tower.embed,
        shown,
        size,
        batch_size or batch_for(target),
        towers={"image": tower},
    )


def transformers_fingerprint(model: Model) -> str | None:
    """The fingerprint from the files on disk, without loading them; None if they are not there."""
    folder = find(_files(model))
    if folder is None:
        return None
    set_up = ["transformers", VERSION, model.pooling or "cls, else average"]
    return fingerprint(set_up, [*_weights(folder), *(folder / name for name in SET_UP)])


def _files(model: Model) -> Files:
    if model.weights is None:
        raise ValueError(f"the row {model.name!r} names no weights")
    return model.weights


def _weights(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors")) or sorted(folder.glob("*.bin"))


def _network(model: Model, folder: Path, device: str) -> Any:
    """From pixels to pooled features, by transformers' own network. Raises `ModelUnavailable`."""
    import torch
    from transformers import AutoModel

    from indexer.embedders.vision.pooled import Pooled

    try:
        with no_progress_bar():
            network, told = AutoModel.from_pretrained(
                str(folder),
                local_files_only=True,
                trust_remote_code=False,
                dtype=torch.float32,
                output_loading_info=True,
            )
    except Exception as error:  # transformers, safetensors and torch each raise their own
        raise unreadable(model, folder, error) from error
    by_class_token = model.pooling == "cls" or _has_class_token(network)
    # What many checkpoints lack: masks are for training, and the class token needs no pooler.
    unused = ("mask_token", "pooler.") if by_class_token else ("mask_token",)
    missing = [name for name in told["missing_keys"] if not any(part in name for part in unused)]
    if missing or told["mismatched_keys"]:
        lacking = missing or [key for key, *_ in told["mismatched_keys"]]
        raise unreadable(model, folder, f"it has no {', '.join(sorted(lacking)[:5])}")
    network.requires_grad_(False)
    network = network.eval().to(device).to(memory_format=torch.channels_last)
    return Pooled(network, by_class_token)


def _has_class_token(network: Any) -> bool:
    return any(name.rpartition(".")[2] == "cls_token" for name, _ in network.named_parameters())


def _processor(model: Model, folder: Path) -> Any:
    """transformers' own preparation, from its file. Raises `ModelUnavailable`."""
    import transformers

    reader: Any = transformers.AutoImageProcessor
    try:
        return reader.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    except Exception as error:  # transformers raises what its reading of the file runs into
        raise ModelUnavailable(
            f"The image processor in {folder} could not be loaded: {error}",
            model=model.name,
            file=str(folder / "preprocessor_config.json"),
        ) from error


def _by_library(processor: Any, image: PIL.Image.Image) -> Pixels:
    """The image as floats of shape (3, height, width), normalised, by transformers itself."""
    pixels = processor(images=middle_of_strip(image), return_tensors="np")["pixel_values"]
    return np.asarray(pixels[0], dtype=np.float32)


def _agree(processor: Any, how: Preprocess) -> bool:
    """Whether our preparation, which is faster, makes the same of trial pictures."""
    noise = np.random.default_rng(0)
    mean, std = (np.asarray(row, dtype=np.float32) for row in (how.mean, how.std))
    for size in TRIALS:
        picture = PIL.Image.fromarray(noise.integers(0, 256, (*size, 3), dtype=np.uint8))
        theirs = _by_library(processor, picture)
        ours = ((prepare(picture, how) / np.float32(255) - mean) / std).transpose(2, 0, 1)
        if theirs.shape != ours.shape or np.abs(theirs - ours).mean() > ROUNDING:
            return False
    return True


def _float_tower(network: Any, example: Pixels) -> Tower:
    """A network for pictures that come normalised, in floats shaped like the example."""
    from indexer.embedders.tower import Tower, Unit

    return Tower(Unit(network), lambda: [(np.stack([example] * count),) for count in (1, 4)])


def _preprocess(processor: Any) -> Preprocess | None:
    """The processor's settings as ours, if they are resize, crop and normalise; else None."""
    told: dict[str, Any] = processor.to_dict()
    size, crop = told.get("size") or {}, told.get("crop_size") or {}
    shortest = size.get("shortest_edge")
    resize = _sides({"height": shortest, "width": shortest} if shortest else size)
    seen = _sides(crop) if told.get("do_center_crop") else resize
    if not told.get("do_resize") or not told.get("do_rescale") or resize is None or seen is None:
        return None
    normalised = told.get("do_normalize")
    return Preprocess(
        *seen,
        fit="shortest" if shortest else "squash",
        filter=PIL.Image.Resampling(told["resample"]),
        mean=tuple(told["image_mean"]) if normalised else (0, 0, 0),
        std=tuple(told["image_std"]) if normalised else (1, 1, 1),
        resize=resize,
        centre="down",
    )


def _sides(size: Mapping[str, int | None]) -> tuple[int, int] | None:
    height, width = size.get("height"), size.get("width")
    return (height, width) if height and width else None
