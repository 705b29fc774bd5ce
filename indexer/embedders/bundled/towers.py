"""The image tower of `mini`: MobileNetV2 and a head that ends in the space of all-MiniLM-L6-v2."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import PIL.Image
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

DIMENSION = 384
IMAGE_SIZE = 224
# (byte − 128) / 128, as the backbone was trained, in terms of channels from 0 to 1
MEAN = (128 / 255,) * 3
STD = (128 / 255,) * 3
FEATURE_CHANNELS = 1280
HIDDEN = 512
GLANCES = 8
GLANCE_WIDTH = 64
CLASSES = 1000
NAMES_WEIGHT = 0.4
TRUNK_BLOCKS = 13


class Stage(NamedTuple):
    """Rows of table 2 in the MobileNetV2 paper (arXiv 1801.04381)."""

    expansion: int
    channels: int
    repeats: int
    stride: int


STAGES = (
    Stage(1, 16, 1, 1),
    Stage(6, 24, 2, 2),
    Stage(6, 32, 3, 2),
    Stage(6, 64, 4, 2),
    Stage(6, 96, 3, 1),
    Stage(6, 160, 3, 2),
    Stage(6, 320, 1, 1),
)


class SameConv(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding, for even sizes at stride 2.

    TensorFlow pads only below and to the right there; torch's symmetric padding would shift the
    sampling grid by one pixel and cost accuracy with weights trained the other way.
    """

    def __init__(self, before: int, after: int, size: int, stride: int = 1, groups: int = 1):
        padding = size // 2 if stride == 1 else 0
        super().__init__(before, after, size, stride, padding, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        if self.stride[0] == 2:
            x = functional.pad(x, (0, 1, 0, 1))
        return super().forward(x)


class InvertedResidual(nn.Module):
    """One block: widen, filter each channel, narrow; batch norm is already in the weights."""

    def __init__(self, before: int, after: int, expansion: int, stride: int):
        super().__init__()
        wide = before * expansion
        self.expand = SameConv(before, wide, 1) if expansion > 1 else None
        self.depthwise = SameConv(wide, wide, 3, stride, groups=wide)
        self.project = SameConv(wide, after, 1)
        self.residual = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        wide = x if self.expand is None else functional.relu6(self.expand(x))
        out: Tensor = self.project(functional.relu6(self.depthwise(wide)))
        return x + out if self.residual else out


def mobilenet_blocks() -> list[InvertedResidual]:
    """The 17 blocks of MobileNetV2 1.0, in order."""
    blocks: list[InvertedResidual] = []
    before = 32
    for stage in STAGES:
        for index in range(stage.repeats):
            stride = stage.stride if index == 0 else 1
            blocks.append(InvertedResidual(before, stage.channels, stage.expansion, stride))
            before = stage.channels
    return blocks


class Trunk(nn.Module):
    """The stem and the first 13 blocks: (n, 3, 224, 224) in [-1, 1) to (n, 96, 14, 14)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv(3, 32, 3, stride=2)
        self.blocks = nn.Sequential(*mobilenet_blocks()[:TRUNK_BLOCKS])

    def forward(self, pixels: Tensor) -> Tensor:
        out: Tensor = self.blocks(functional.relu6(self.stem(pixels)))
        return out


class Top(nn.Module):
    """The last 4 blocks and the widening: (n, 96, 14, 14) to (n, 1280, 7, 7)."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*mobilenet_blocks()[TRUNK_BLOCKS:])
        self.widen = SameConv(320, FEATURE_CHANNELS, 1)

    def forward(self, middle: Tensor) -> Tensor:
        return functional.relu6(self.widen(self.blocks(middle)))


class Head(nn.Module):
    """From maps, (n, 1280, h, w), and their pooled values, (n, 2560), to vectors, (n, 384).

    A linear map, a detour and a gaze. The last two start at zero, so that training begins from
    the linear map, which is good already.
    """

    def __init__(self, hidden: int = HIDDEN, dropout: float = 0.0):
        super().__init__()
        self.norm = nn.LayerNorm(2 * FEATURE_CHANNELS)
        self.linear = nn.Linear(2 * FEATURE_CHANNELS, DIMENSION)
        self.widen = nn.Linear(2 * FEATURE_CHANNELS, hidden)
        self.narrow = nn.Linear(hidden, DIMENSION)
        self.gaze = Gaze(dropout)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.narrow.weight)

    def forward(self, features: Tensor, maps: Tensor | None) -> Tensor:
        """Unit vectors; without maps, the first stage of training, there is no gaze."""
        x = self.dropout(self.norm(features))
        out = self.linear(x) + self.narrow(self.dropout(functional.gelu(self.widen(x))))
        return functional.normalize(out if maps is None else out + self.gaze(maps), dim=-1)


class Gaze(nn.Module):
    """Looks at some places more than at others: (n, 1280, h, w) to (n, 384).

    Each of eight glances weights the places by what is there, and keeps 64 numbers of their mean
    (attention pooling with learnt queries).
    """

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(FEATURE_CHANNELS)
        self.score = nn.Linear(FEATURE_CHANNELS, GLANCES)
        self.value = nn.Linear(FEATURE_CHANNELS, GLANCES * GLANCE_WIDTH)
        self.out = nn.Linear(GLANCES * GLANCE_WIDTH, DIMENSION)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, maps: Tensor) -> Tensor:
        places = self.norm(maps.flatten(2).transpose(1, 2))
        weights = self.score(places).softmax(1).transpose(1, 2).unsqueeze(2)
        values = self.value(self.dropout(places)).unflatten(2, (GLANCES, GLANCE_WIDTH))
        seen = (weights @ values.transpose(1, 2)).flatten(1)
        out: Tensor = self.out(self.dropout(seen))
        return out


class ClassNames(nn.Module):
    """From pooled features, (n, 2560), to the mean of class names by their chance, (n, 384).

    The thousand names of ImageNet, as MiniLM puts them, weighted by what the backbone's own
    classifier says: convex combination of semantic embeddings (Norouzi et al., ICLR 2014). It
    knows things that no caption of the training photos names. A classifier in doubt gives a short
    vector.
    """

    weight: Tensor
    bias: Tensor
    names: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(CLASSES, FEATURE_CHANNELS))
        self.register_buffer("bias", torch.zeros(CLASSES))
        self.register_buffer("names", torch.zeros(CLASSES, DIMENSION))

    def forward(self, features: Tensor) -> Tensor:
        logits = functional.linear(features[:, :FEATURE_CHANNELS], self.weight, self.bias)
        return logits.softmax(1) @ self.names


class ImageTower(nn.Module):
    """Prepared images, (n, 3, 224, 224) float32, to unit vectors, (n, 384)."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.top = Top()
        self.head = Head()
        self.classes = ClassNames()

    def forward(self, images: Tensor) -> Tensor:
        maps = self.top(self.trunk(images))
        features = pooled(maps)
        return joined(self.head(features, maps), self.classes(features))


def joined(learnt: Tensor, named: Tensor) -> Tensor:
    """What the head learnt and what the classes are called, (n, 384) each, as unit vectors."""
    return functional.normalize(learnt + NAMES_WEIGHT * named, dim=-1)


def pooled(maps: Tensor) -> Tensor:
    """Mean, then maximum, over places: (n, c, h, w) to (n, 2c)."""
    return torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1)


def pixels(image: PIL.Image.Image) -> NDArray[np.uint8]:
    """An RGB image in the tower's size, (224, 224, 3); `MEAN` and `STD` are for the tower to apply.

    The whole picture is squashed to the square rather than cropped: the training photos came
    squashed like this, and what stands at the edge of a picture should be found too.
    """
    size = (IMAGE_SIZE, IMAGE_SIZE)
    if image.size != size:
        image = image.resize(size, PIL.Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.asarray(image, dtype=np.uint8)


def normalised(images: Tensor) -> Tensor:
    """Bytes, (n, 224, 224, 3), as the trunk wants them: (n, 3, 224, 224) in [-1, 1)."""
    return (images.permute(0, 3, 1, 2).float() - 128.0) / 128.0
