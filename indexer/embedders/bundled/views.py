"""Photos, captions and their views as the training of `mini` sees them, computed once."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL.Image
import PIL.ImageEnhance
import PIL.ImageOps
import torch
from numpy.typing import NDArray
from torch import Tensor

from indexer.embedders.bundled.backbone import Backbone
from indexer.embedders.bundled.towers import (
    FEATURE_CHANNELS,
    IMAGE_SIZE,
    normalised,
    pixels,
    pooled,
)

VIEWS = 8
BATCH = 32


class Photos(NamedTuple):
    """The photos of one split and, for each, its five captions."""

    paths: list[Path]
    captions: list[list[str]]


class Views(NamedTuple):
    """What the unchanged part of the tower makes of every view; float16, row = photo × views."""

    middle: Tensor
    """(n, 96, 14, 14), the trunk's output."""
    pooled: Tensor
    """(n, 2560), what the unchanged top makes of it, mean and maximum over places."""
    logits: Tensor
    """(n, 1000), what the ImageNet classifier says of the view."""


def read_photos(flickr: Path, split: str) -> Photos:
    """The photos of `split` (train or dev) in the order of `captions.tsv`."""
    captions: dict[str, list[str]] = {}
    with (flickr / "captions.tsv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["split"] == split:
                captions.setdefault(row["image"], []).append(row["caption"])
    return Photos([flickr / "images" / name for name in captions], list(captions.values()))


def view(photo: PIL.Image.Image, number: int, rng: np.random.Generator) -> PIL.Image.Image:
    """View 0 is the photo, 1 its mirror image, the rest random crops of 45–100 % of its area."""
    if number == 0:
        return photo
    if number == 1:
        return PIL.ImageOps.mirror(photo)
    area, aspect = rng.uniform(0.45, 1.0), np.exp(rng.uniform(-0.29, 0.29))
    width = min(1.0, np.sqrt(area * aspect)) * photo.width
    height = min(1.0, np.sqrt(area / aspect)) * photo.height
    left, top = rng.uniform(0, photo.width - width), rng.uniform(0, photo.height - height)
    box = (left, top, left + width, top + height)
    crop = photo.resize(photo.size, PIL.Image.Resampling.BICUBIC, box)
    crop = PIL.ImageEnhance.Brightness(crop).enhance(rng.uniform(0.8, 1.2))
    crop = PIL.ImageEnhance.Color(crop).enhance(rng.uniform(0.7, 1.3))
    return PIL.ImageOps.mirror(crop) if rng.random() < 0.5 else crop


def prepared_views(paths: Sequence[Path], numbers: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
    """Each photo's views in the tower's size, (224, 224, 3); the same ones on every run."""
    for path in paths:
        with PIL.Image.open(path) as photo:
            rgb = photo.convert("RGB")
        for number in numbers:
            rng = np.random.default_rng([number, *path.name.encode()])
            yield pixels(view(rgb, number, rng))


@torch.inference_mode()
def trunk_views(backbone: Backbone, paths: Sequence[Path], numbers: Sequence[int]) -> Views:
    """Runs the backbone once over every view of every photo."""
    count = len(paths) * len(numbers)
    side = IMAGE_SIZE // 16
    middle = torch.empty(count, 96, side, side, dtype=torch.float16)
    both = torch.empty(count, 2 * FEATURE_CHANNELS, dtype=torch.float16)
    logits = torch.empty(count, 1000, dtype=torch.float16)
    source = prepared_views(paths, numbers)
    for start in range(0, count, BATCH):
        batch = list(islice(source, BATCH))
        maps = backbone.trunk(normalised(torch.from_numpy(np.stack(batch))))
        middle[start : start + len(batch)] = maps
        features = pooled(backbone.top(maps))
        both[start : start + len(batch)] = features
        scores = backbone.classifier(features[:, :FEATURE_CHANNELS])
        logits[start : start + len(batch)] = scores[:, 1:]  # 0 is "background"
    return Views(middle, both, logits)
