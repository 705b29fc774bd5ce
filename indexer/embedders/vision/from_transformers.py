"""Image models of transformers: AutoModel with the image processor that lies beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from indexer.embedders.device import choose_device
from indexer.embedders.model import Files, Model
from indexer.embedders.preprocess import Preprocess, middle_of_strip, prepare
from indexer.embedders.progress import no_progress_bar
from indexer.embedders.vision.embedder import Prepare, VisionEmbedder, on_device
from indexer.embedders.vision.state import unreadable
from indexer.embedders.weights import fetch, find, fingerprint
from indexer.errors import ModelUnavailable

# Part of the fingerprint: raise it when preparation or pooling changes the vectors.
VERSION: Final = 1

SET_UP: Final = ("config.json", "preprocessor_config.json")

# Sizes with an odd number of pixels over on one side or the other, where croppings differ.
TRIALS: Final = ((151, 300), (300, 151), (227, 334), (90, 67))

# Mean difference that rounding leaves, in units of normalised pixels; a shift by one leaves 0.3.
ROUNDING: Final = 0.02


def load_transformers(model: Model, device: str = "auto", batch_size: int = 32) -> VisionEmbedder:
    """The model of that row on `device`; on a GPU it computes in half precision.

    Raises `ModelUnavailable` if its files are out of reach, damaged, incomplete, want to run code,
    or if the model is not one of pictures alone.
    """
    folder = fetch(model, _files(model))
    target = choose_device(device)
    shown, image_size = _prepare(model, folder)
    return VisionEmbedder(
        model,
        str(transformers_fingerprint(model)),
        on_device(_encode(model, folder, target), target),
        shown,
        image_size,
        batch_size,
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


def _encode(model: Model, folder: Path, device: str) -> Callable[[Any], Any]:
    """From pixels to pooled features, by transformers' own network. Raises `ModelUnavailable`."""
    import torch
    from transformers import AutoModel

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
    return lambda pixels: _pooled(network(pixel_values=pixels), by_class_token)


def _has_class_token(network: Any) -> bool:
    return any(name.rpartition(".")[2] == "cls_token" for name, _ in network.named_parameters())


def _pooled(output: Any, by_class_token: bool) -> Any:
    """The class token after the last layer, else the model's own pooling, else the average.

    Not the pooler where there is a class token: ViT's is trained for classes, and often missing.
    """
    if by_class_token:
        return output.last_hidden_state[:, 0]
    if output.get("pooler_output") is not None:
        return output.pooler_output.flatten(1)
    return output.last_hidden_state.mean(dim=1)


def _prepare(model: Model, folder: Path) -> tuple[Prepare, int]:
    """How pictures are prepared and the shorter side they are resized to.

    Ours, which is faster, if it makes the same of trial pictures; else transformers' own.
    """
    import transformers

    reader: Any = transformers.AutoImageProcessor
    try:
        processor = reader.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # transformers raises what its reading of the file runs into
        raise ModelUnavailable(
            f"The image processor in {folder} could not be loaded: {error}",
            model=model.name,
            file=str(folder / "preprocessor_config.json"),
        ) from error

    def library(image: PIL.Image.Image) -> NDArray[np.float32]:
        pixels = processor(images=middle_of_strip(image), return_tensors="np")["pixel_values"]
        return np.asarray(pixels[0], dtype=np.float32)

    how = _preprocess(processor)
    if how is None or not _agree(library, lambda image: prepare(image, how)):
        return library, min(library(PIL.Image.new("RGB", TRIALS[0])).shape[1:])
    return lambda image: prepare(image, how), min(how.fitted)


def _agree(theirs: Prepare, ours: Prepare) -> bool:
    noise = np.random.default_rng(0)
    for size in TRIALS:
        picture = PIL.Image.fromarray(noise.integers(0, 256, (*size, 3), dtype=np.uint8))
        one, other = theirs(picture), ours(picture)
        if one.shape != other.shape or np.abs(one - other).mean() > ROUNDING:
            return False
    return True


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
