"""Checkpoints that need no network: random but seeded weights, saved as people save them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from indexer.embedders.clip import ClipEmbedder, load_clip
from indexer.embedders.model import Model
from indexer.embedders.naming import resolve


@dataclass(frozen=True)
class Checkpoint:
    """A ViT-B-32 checkpoint, and what open_clip itself makes of it."""

    path: Path
    network: Any
    preprocess: Any
    tokenizer: Any

    @property
    def model(self) -> Model:
        return resolve(f"open_clip:ViT-B-32/{self.path}")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """600 MB of seeded random weights, read back by open_clip's own functions."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(20240229)
    path = tmp_path_factory.mktemp("weights") / "vit-b-32.safetensors"
    save_file(open_clip.create_model("ViT-B-32").state_dict(), path)
    network, _, preprocess = open_clip.create_model_and_transforms("ViT-B-32", str(path))
    return Checkpoint(path, network.eval(), preprocess, open_clip.get_tokenizer("ViT-B-32"))


@pytest.fixture(scope="session")
def clip(checkpoint: Checkpoint) -> ClipEmbedder:
    return load_clip(checkpoint.model, "cpu", batch_size=4)


@pytest.fixture(scope="session")
def photos() -> dict[str, PIL.Image.Image]:
    """Real photos in awkward shapes, all RGB as the decoders give them."""
    import skimage.data

    cat = PIL.Image.fromarray(skimage.data.chelsea())
    noise = np.random.default_rng(7).integers(0, 256, (300, 225, 3), dtype=np.uint8)
    return {
        "cat": cat,
        "tall": cat.crop((100, 0, 130, 300)),
        "wide": cat.crop((0, 100, 451, 117)),
        "tiny": cat.resize((3, 2)),
        "one pixel": cat.resize((1, 1)),
        "exact": cat.resize((224, 224)),
        "odd": cat.resize((225, 301)),
        "grey": PIL.Image.fromarray(skimage.data.camera()).convert("RGB"),
        "noise": PIL.Image.fromarray(noise),
    }
