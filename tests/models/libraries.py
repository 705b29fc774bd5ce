"""What model libraries make of pictures with random but seeded checkpoints of tiny models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

Photos = dict[str, PIL.Image.Image]
Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Library:
    """What a library itself makes of the photos, and the name of the checkpoint it saved."""

    name: str
    vectors: Rows


def normalised(
    pixels: NDArray[np.uint8], mean: Sequence[float], std: Sequence[float]
) -> NDArray[np.float32]:
    """What the first layers of the tower make of the bytes, as torchvision writes it."""
    channels = pixels.transpose(2, 0, 1).astype(np.float32) / np.float32(255)
    means, stds = (np.asarray(row, np.float32).reshape(3, 1, 1) for row in (mean, std))
    return np.asarray((channels - means) / stds)


def of_timm(architecture: str, folder: Path, photos: Photos) -> Library:
    import timm
    import torch
    from safetensors.torch import save_file
    from timm.data.config import resolve_model_data_config
    from timm.data.transforms_factory import create_transform

    torch.manual_seed(11)
    network: Any = timm.create_model(architecture)
    file = folder / f"{architecture}.safetensors"
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, file)
    network = timm.create_model(architecture, num_classes=0, checkpoint_path="").eval()
    network.load_state_dict(_without_classifier(file, network))
    transform: Any = create_transform(**resolve_model_data_config(network))
    return _library(f"timm:{architecture}/{file}", network, transform, photos)


def of_torchvision(architecture: str, folder: Path, photos: Photos) -> Library:
    import torch
    import torchvision.models as library

    torch.manual_seed(12)
    network = library.get_model(architecture, weights=None).eval()
    file = folder / f"{architecture}.pth"
    torch.save(network.state_dict(), file)
    last = [module for module in network.modules() if isinstance(module, torch.nn.Linear)][-1]

    def penultimate(pixels: torch.Tensor) -> torch.Tensor:
        given: list[torch.Tensor] = []
        hook = last.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
        network(pixels)
        hook.remove()
        return given[0]

    transform = library.get_model_weights(architecture).DEFAULT.transforms()
    return _library(f"torchvision:{architecture}/{file}", penultimate, transform, photos)


def of_transformers(kind: str, folder: Path, photos: Photos) -> Library:
    from transformers import AutoImageProcessor, AutoModel

    save_transformers(kind, folder)
    reader: Any = AutoImageProcessor
    processor = reader.from_pretrained(str(folder))
    network: Any = AutoModel.from_pretrained(str(folder)).eval()

    def pooled(pixels: Any) -> Any:
        output = network(pixel_values=pixels)
        if kind in ("dinov2", "vit"):
            return output.last_hidden_state[:, 0]
        return output.pooler_output.flatten(1)

    def transform(photo: PIL.Image.Image) -> Any:
        return processor(images=photo, return_tensors="pt")["pixel_values"][0]

    return _library(f"transformers:{folder}", pooled, transform, photos)


def save_transformers(kind: str, folder: Path) -> None:
    """A tiny model and its image processor, as people save them."""
    import torch
    import transformers as library

    torch.manual_seed(13)
    small: dict[str, Any] = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    square = {"height": 64, "width": 64}
    network: Any
    processor: Any
    if kind == "dinov2":
        config = library.Dinov2Config(**small, image_size=70, patch_size=14)
        network = library.Dinov2Model(config)
        processor = library.BitImageProcessor(
            size={"shortest_edge": 80}, crop_size={"height": 70, "width": 70}
        )
    elif kind == "swin":
        swin = library.SwinConfig(
            embed_dim=16, depths=[1, 1], num_heads=[2, 2], image_size=64, window_size=4
        )
        network, processor = library.SwinModel(swin), library.ViTImageProcessor(size=square)
    elif kind == "convnext":
        convnext = library.ConvNextConfig(hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1])
        network = library.ConvNextModel(convnext)
        processor = library.ConvNextImageProcessor(size={"shortest_edge": 64}, crop_pct=0.875)
    elif kind == "masked":
        masked = library.ViTMAEConfig(**small, intermediate_size=64, image_size=64)
        network, processor = library.ViTMAEModel(masked), library.ViTImageProcessor(size=square)
    else:
        vit = library.ViTConfig(**small, intermediate_size=64, image_size=64)
        network, processor = library.ViTModel(vit), library.ViTImageProcessor(size=square)
    network.save_pretrained(folder)
    processor.save_pretrained(folder)


def _library(name: str, encode: Any, transform: Any, photos: Photos) -> Library:
    import torch

    inputs = torch.stack([transform(photo) for photo in photos.values()])
    with torch.inference_mode():
        vectors = torch.nn.functional.normalize(encode(inputs), dim=-1)
    return Library(name, vectors.numpy())


def _without_classifier(file: Path, network: Any) -> dict[str, Any]:
    from safetensors.torch import load_file

    wanted = network.state_dict().keys()
    return {name: tensor for name, tensor in load_file(file).items() if name in wanted}
