"""Image models of timm, through timm: what each would hand to its classifier, as a vector."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import PIL.Image

from indexer.embedders.device import choose_device
from indexer.embedders.model import TIMM_WEIGHTS, Files, Model
from indexer.embedders.preprocess import Preprocess
from indexer.embedders.vision.embedder import VisionEmbedder, picture_embedder
from indexer.embedders.vision.state import read_state, unreadable
from indexer.embedders.weights import fetch, find, fingerprint, weights_file
from indexer.errors import ModelNotFound

# Part of the fingerprint: raise it when preparation or pooling changes the vectors.
VERSION: Final = 1

# timm's ways to crop, by ours.
FITS: Final = {"center": "shortest", "border": "longest", "squash": "squash"}


def load_timm(model: Model, device: str = "auto", batch_size: int | None = None) -> VisionEmbedder:
    """The model of that row on `device`; on a GPU it computes in half precision.

    Raises `ModelNotFound` for a name that timm does not have, `ModelUnavailable` if weights are
    out of reach or are not those of the architecture.
    """
    files = timm_files(model)
    file = weights_file(fetch(model, files), files)
    how = as_preprocess(_data(model))
    target = choose_device(device)
    network = _network(model, file, target)
    told = str(timm_fingerprint(model))
    return picture_embedder(model, told, network, how, target, batch_size)


def timm_files(model: Model) -> Files:
    """Where the weights are; for a name outside the catalogue this imports timm, which knows.

    Raises `ModelNotFound` if timm does not have the name or no weights for it.
    """
    if model.weights is not None:
        return model.weights
    published = _published(model)
    if not published.get("hf_hub_id"):
        raise ModelNotFound(
            f"timm has no weights on the hub for {model.architecture!r}; name a local file: "
            f"timm:{model.architecture}//path/to/model.safetensors",
            name=model.name,
        )
    named = published.get("hf_hub_filename")
    return Files(((named,),) if named else TIMM_WEIGHTS, repo=published["hf_hub_id"])


def timm_fingerprint(model: Model) -> str | None:
    """The fingerprint from the files on disk, without loading them; None if they are not there."""
    files = timm_files(model)
    folder = find(files)
    if folder is None:
        return None
    pooling = model.pooling or "the library's own"
    set_up = ["timm", VERSION, model.architecture, pooling, _data(model)]
    return fingerprint(set_up, [weights_file(folder, files)])


def _published(model: Model) -> dict[str, Any]:
    """What timm knows of a name: repository, classes, size, mean, std. Raises `ModelNotFound`."""
    import timm

    architecture, dot, _ = str(model.architecture).partition(".")
    if not timm.is_model(architecture):
        near = difflib.get_close_matches(architecture, timm.list_models(), n=3, cutoff=0.5)
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ModelNotFound(
            f"timm has no model {architecture!r}.{meant}", name=model.name, near=near
        )
    tagged = timm.list_models(f"{architecture}.*", pretrained=True)
    if dot and model.architecture not in tagged:
        raise ModelNotFound(
            f"timm has no weights {model.architecture!r}; it has {', '.join(tagged) or 'none'}.",
            name=model.name,
            near=tagged,
        )
    published = timm.models.get_pretrained_cfg(str(model.architecture))
    return dict(published.to_dict()) if published is not None else {}


def _data(model: Model) -> dict[str, Any]:
    """Size, mean, std, interpolation and crop, as timm's own evaluation takes them."""
    from timm.data.config import resolve_data_config

    return dict(resolve_data_config(pretrained_cfg=_published(model)))


def _network(model: Model, file: Path, device: str) -> Any:
    """timm's network without its classifier, in evaluation mode. Raises `ModelUnavailable`."""
    import timm
    import torch

    state = read_state(model, file)
    classifiers = _published(model).get("classifier") or ()
    first = classifiers if isinstance(classifiers, str) else next(iter(classifiers), "")
    head = state.get(f"{first}.weight")
    # With as many classes as the file has, timm takes nothing less than a perfect fit.
    classes = 0 if head is None else len(head)
    try:
        network: Any = timm.create_model(
            str(model.architecture),
            pretrained=True,
            num_classes=classes,
            pretrained_cfg_overlay={
                "state_dict": state,
                "num_classes": classes,
                "custom_load": False,
            },
        )
    except Exception as error:  # timm's checkpoint filters trip over foreign weights in any way
        raise unreadable(model, file, error) from error
    network.pretrained_cfg.pop("state_dict", None)  # timm would keep all weights twice
    if classes:
        network.reset_classifier(0)
    network.requires_grad_(False)
    return network.eval().to(device).to(memory_format=torch.channels_last)


def as_preprocess(data: Mapping[str, Any]) -> Preprocess:
    """timm's data configuration as ours."""
    _, height, width = data["input_size"]
    share = data["crop_pct"]
    return Preprocess(
        height=height,
        width=width,
        fit=FITS[data["crop_mode"] or "center"],  # type: ignore[arg-type]
        filter=PIL.Image.Resampling[data["interpolation"].upper()],
        mean=data["mean"],
        std=data["std"],
        fill=tuple(round(255 * value) for value in data["mean"]),
        resize=(math.floor(height / share), math.floor(width / share)),
    )
