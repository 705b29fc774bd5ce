"""What `mini` learns from: views of photos, and where MiniLM puts their captions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import PIL.Image
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from indexer.embedders.bundled.backbone import Backbone
from indexer.embedders.bundled.losses import CAPTIONS
from indexer.embedders.bundled.measure import PROMPT
from indexer.embedders.bundled.towers import DIMENSION, ImageTower, normalised, pixels
from indexer.embedders.bundled.views import VIEWS, Views, read_photos, trunk_views
from indexer.embedders.mini import MiniEmbedder, load_text_tower, load_tokenizer, text_folder


class Lesson(NamedTuple):
    """n photos × views and what they show."""

    views: Views
    captions: Tensor
    """(n, 5, 384) unit vectors."""
    labels: Tensor
    """(1000, 384) unit vectors of the ImageNet class names."""


def read_lesson(backbone: Backbone, data: Path, split: str, keep: Path | None) -> Lesson:
    """The photos of `split`; dev photos have one view, the photo itself."""
    photos = read_photos(data / "flickr8k", split)
    numbers = range(VIEWS) if split == "train" else range(1)
    captions = [caption for five in photos.captions for caption in five]
    file = keep / f"{split}.safetensors" if keep else None
    if file and file.exists():
        kept = load_file(file)
    else:
        views = trunk_views(backbone, photos.paths, numbers)
        vectors = text_vectors([*captions, *prompts(data / "backbone" / "imagenet_labels.txt")])
        kept = {**views._asdict(), "texts": vectors}
    if file and not file.exists():
        save_file(kept, file)
    texts = kept.pop("texts")
    return Lesson(
        Views(**kept), texts[: len(captions)].view(-1, CAPTIONS, DIMENSION), texts[len(captions) :]
    )


def prompts(labels: Path) -> list[str]:
    """`a photo of a tench` and so on: each class by its first name, without "background"."""
    names = labels.read_text(encoding="utf-8").splitlines()[1:]
    return [PROMPT.format(name.split(",")[0]) for name in names]


def text_vectors(texts: Sequence[str]) -> Tensor:
    """(n, 384) unit vectors by MiniLM; the image tower is not needed, it may not exist yet."""
    folder = text_folder()
    tower = load_text_tower(folder / "model.safetensors")
    tokenizer = load_tokenizer(folder / "tokenizer.json")
    return torch.from_numpy(MiniEmbedder(ImageTower(), tower, tokenizer, "").embed_texts(texts))


@torch.inference_mode()
def check_backbone(backbone: Backbone, data: Path) -> float:
    """Top-1 accuracy on one photo a class, centre crops: 0.80, as the quantised file itself has."""
    hits = 0
    paths = sorted((data / "imagenet_samples").glob("*.jpg"))
    for index, path in enumerate(paths):
        with PIL.Image.open(path) as image:
            photo = image.convert("RGB")
        side = min(photo.size)
        left, top = (photo.width - side) // 2, (photo.height - side) // 2
        crop = pixels(photo.crop((left, top, left + side, top + side)))
        maps = backbone.top(backbone.trunk(normalised(torch.from_numpy(crop[None].copy()))))
        hits += int(backbone.classifier(maps.mean((2, 3))).argmax()) == index + 1
    return hits / len(paths)
