"""Image models of torchvision: what each would hand to its last linear layer, as a vector."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import PIL.Image

from indexer.embedders.device import choose_device
from indexer.embedders.model import Files, Model
from indexer.embedders.preprocess import Preprocess
from indexer.embedders.vision.embedder import VisionEmbedder, picture_embedder
from indexer.embedders.vision.state import read_state, unreadable
from indexer.embedders.weights import fetch, find, fingerprint, weights_file
from indexer.errors import ModelNotFound

# Part of the fingerprint: raise it when preparation or pooling changes the vectors.
VERSION: Final = 1

# These two are given their set-up along with their weights, which torchvision did not train.
PORTED: Final = {"transform_input": True, "init_weights": False}
SET_UP: Final = {"googlenet": PORTED, "inception_v3": PORTED}


def load_torchvision(
    model: Model, device: str = "auto", batch_size: int | None = None
) -> VisionEmbedder:
    """The model of that row on `device`; on a GPU it computes in half precision.

    Raises `ModelNotFound` for a name that torchvision does not have, `ModelUnavailable` if weights
    are not on this machine or are not those of the architecture.
    """
    files = torchvision_files(model)
    file = weights_file(fetch(model, files), files)
    how = _preprocess(_published(model))
    target = choose_device(device)
    network = _network(model, file, target)
    told = str(torchvision_fingerprint(model))
    return picture_embedder(model, told, network, how, target, batch_size)


def torchvision_files(model: Model) -> Files:
    """Where the weights are: a local file, else where torch itself keeps what it downloads.

    For the latter this imports torchvision. Raises `ModelNotFound` if it does not have the name.
    """
    if model.weights is not None:
        return model.weights
    import torch

    url = str(_published(model).url)
    name = Path(urlsplit(url).path).name
    # torchvision's names end with the first digits of the file's SHA-256.
    digits = Path(name).stem.rpartition("-")[2]
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    return Files(((name,),), folder=folder, sha256=digits, url=url)


def torchvision_fingerprint(model: Model) -> str | None:
    """The fingerprint from the files on disk, without loading them; None if they are not there."""
    files = torchvision_files(model)
    folder = find(files)
    if folder is None:
        return None
    shown = repr(_preprocess(_published(model)))
    architecture, _, _ = str(model.architecture).partition(".")
    set_up = ["torchvision", VERSION, architecture, "penultimate", shown]
    return fingerprint(set_up, [weights_file(folder, files)])


def _published(model: Model) -> Any:
    """The set of weights that a name means, with its URL and transforms. `ModelNotFound`."""
    import torchvision.models

    architecture, dot, tag = str(model.architecture).partition(".")
    # Of the submodule alone: detection and segmentation give no vector of a picture.
    names = torchvision.models.list_models(module=torchvision.models)
    if architecture not in names:
        near = difflib.get_close_matches(architecture, names, n=3, cutoff=0.5)
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ModelNotFound(
            f"torchvision has no image classifier {architecture!r}.{meant}",
            name=model.name,
            near=near,
        )
    weights = torchvision.models.get_model_weights(architecture)
    if dot and tag not in weights.__members__:
        raise ModelNotFound(
            f"torchvision has no weights {tag!r} for {architecture}; it has "
            f"{', '.join(weights.__members__)}.",
            name=model.name,
        )
    return weights[tag] if dot else weights.DEFAULT


def _network(model: Model, file: Path, device: str) -> Any:
    """torchvision's network without its last linear layer. Raises `ModelUnavailable`."""
    import torch
    import torchvision.models

    state = read_state(model, file)
    architecture, _, _ = str(model.architecture).partition(".")
    network = torchvision.models.get_model(
        architecture, weights=None, **SET_UP.get(architecture, {})
    )
    linear = [name for name, m in network.named_modules() if isinstance(m, torch.nn.Linear)]
    if not linear:
        raise ModelNotFound(
            f"torchvision's {architecture} has no linear layer before which to take a vector; "
            "take another model, or the same from timm.",
            name=model.name,
        )
    network.set_submodule(linear[-1], torch.nn.Identity())
    for parameter in ("weight", "bias"):
        state.pop(f"{linear[-1]}.{parameter}", None)
    try:
        network.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise unreadable(model, file, error) from error
    network.requires_grad_(False)
    return network.eval().to(device).to(memory_format=torch.channels_last)


def _preprocess(weights: Any) -> Preprocess:
    shown = weights.transforms()
    (crop,), (resize,) = shown.crop_size, shown.resize_size
    return Preprocess(
        height=crop,
        width=crop,
        fit="shortest",
        filter=PIL.Image.Resampling[shown.interpolation.name],
        mean=tuple(shown.mean),
        std=tuple(shown.std),
        resize=(resize, resize),
    )
