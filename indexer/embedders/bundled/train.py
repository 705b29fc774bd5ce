"""Trains `mini`'s image tower: `python -m indexer.embedders.bundled.train DATA_FOLDER`.

Needs one package beside Semblance's own, to read the backbone: `pip install tflite`.

MiniLM and the lower part of the backbone (the trunk) stay as they are, so captions and trunk run
once. First the head learns alone from the frozen features, then the top of the backbone with it.
Every choice here was made on the dev photos, which are never trained on.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from indexer.embedders.bundled.backbone import Backbone, read_backbone
from indexer.embedders.bundled.lessons import Lesson, check_backbone, read_lesson
from indexer.embedders.bundled.losses import (
    TEMPERATURE,
    image_to_text,
    remembered,
    text_to_image,
)
from indexer.embedders.bundled.measure import Retrieval, retrieval
from indexer.embedders.bundled.packing import blended, packed, unpacked
from indexer.embedders.bundled.towers import (
    FEATURE_CHANNELS,
    ClassNames,
    Head,
    ImageTower,
    Top,
    joined,
    pooled,
)
from indexer.embedders.bundled.views import VIEWS
from indexer.embedders.mini import IMAGE_WEIGHTS

LABEL_WEIGHT = 0.6
LENIENCE = 0.5
BLEND = 0.3
METADATA = {"model": "mini", "licence": "see MODEL_CARD.md"}
SHORTEST = 12
"""Places, of 14, that a crop of the trunk's maps keeps at least; an even number."""


class Stage(NamedTuple):
    """How one stage of training runs; learning rates are those after warm-up."""

    epochs: int
    batch: int
    head_rate: float
    top_rate: float
    average: float
    """Share of the running average of the weights that each step keeps."""


HEAD_ALONE = Stage(epochs=22, batch=1000, head_rate=1e-3, top_rate=0.0, average=0.98)
TOGETHER = Stage(epochs=11, batch=250, head_rate=5e-4, top_rate=3e-4, average=0.99)


class Pupil(nn.Module):
    """The part of the tower that learns, and the temperatures it learns with."""

    def __init__(self, top: Top, classifier: nn.Linear, names: Tensor) -> None:
        """`classifier` gives 1,000 logits from 1,280 means; `names` are (1000, 384)."""
        super().__init__()
        self.top = top
        self.head = Head(dropout=0.5)
        self.classifier = classifier
        self.caption_scale = nn.Parameter(torch.tensor(math.log(20.0)))
        self.label_scale = nn.Parameter(torch.tensor(math.log(20.0)))
        self.names: Tensor
        self.register_buffer("names", names)

    def forward(self, features: Tensor, maps: Tensor | None) -> tuple[Tensor, Tensor]:
        """Unit vectors, (n, 384), and what the classifier says, (n, 1000) logits."""
        logits = self.classifier(features[:, :FEATURE_CHANNELS])
        named = logits.softmax(1) @ self.names
        return joined(self.head(features, maps), named), logits

    def look(self, middle: Tensor) -> tuple[Tensor, Tensor]:
        """The same from the trunk's maps, (n, 96, h, w)."""
        maps = self.top(middle.float().contiguous(memory_format=torch.channels_last))
        return self.forward(pooled(maps), maps)


def step(pupil: Pupil, stage: Stage, lesson: Lesson, rows: Tensor) -> Tensor:
    """The loss of one step over one view of each of the photos in `rows`."""
    at = rows * VIEWS + torch.randint(VIEWS, (len(rows),))
    if stage.top_rate:
        vectors, said = pupil.look(cropped(lesson.views.middle[at]))
    else:
        vectors, said = pupil(lesson.views.pooled[at].float(), None)
    scale, logits = pupil.caption_scale.exp(), lesson.views.logits[at].float()
    named = (pupil.label_scale.exp() * vectors @ lesson.labels.T).log_softmax(1)
    return (
        text_to_image(vectors, lesson.captions[rows], scale)
        + image_to_text(vectors, rows, lesson.captions, scale, LENIENCE)
        + LABEL_WEIGHT * remembered(named, logits)
        + LABEL_WEIGHT * remembered((said / TEMPERATURE).log_softmax(1), logits)
    )


def cropped(middle: Tensor) -> Tensor:
    """A random part of the trunk's maps, mirrored half of the time: new views at no cost."""
    side = middle.shape[-1]
    height, width = (SHORTEST + 2 * int(torch.randint(2, ())) for _ in range(2))
    top, left = (int(torch.randint(side - size + 1, ())) for size in (height, width))
    part = middle[:, :, top : top + height, left : left + width]
    return part.flip(3) if torch.rand(()) < 0.5 else part


def optimiser_of(pupil: Pupil, stage: Stage) -> torch.optim.Optimizer:
    """AdamW with the rates of the stage."""
    seeing = [*pupil.top.parameters(), *pupil.classifier.parameters()]
    scales = [pupil.caption_scale, pupil.label_scale]
    return torch.optim.AdamW(
        [
            {"params": [*pupil.head.parameters()], "lr": stage.head_rate, "weight_decay": 0.1},
            {"params": seeing, "lr": stage.top_rate, "weight_decay": 0.1},
            {"params": scales, "lr": stage.head_rate * 10, "weight_decay": 0.0},
        ]
    )


def run_stage(pupil: Pupil, stage: Stage, lesson: Lesson, dev: Lesson) -> Pupil:
    """Trains for one stage and returns the running average."""
    optimiser = optimiser_of(pupil, stage)
    photos = len(lesson.captions)
    count = stage.epochs * (photos // stage.batch)
    warm = max(1, count // 20)
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda n: min((n + 1) / warm, 0.5 + 0.5 * math.cos(math.pi * n / count))
    )
    average = copy.deepcopy(pupil).eval()
    for epoch in range(stage.epochs):
        started = time.monotonic()
        pupil.train()
        for number, rows in enumerate(torch.split(torch.randperm(photos), stage.batch)):
            optimiser.zero_grad()
            step(pupil, stage, lesson, rows).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(pupil.parameters(), 5.0)
            optimiser.step()
            rate.step()
            # Early weights are worse than any average that forgets them soon.
            done = epoch * (photos // stage.batch) + number
            follow(average, pupil, min(stage.average, (1 + done) / (10 + done)))
        seconds = time.monotonic() - started
        figures = dev_figures(average, stage, dev)
        print(f"epoch {epoch + 1} ({seconds:.0f} s): {figures}", flush=True)
    return average


@torch.no_grad()
def follow(average: nn.Module, pupil: nn.Module, keep: float) -> None:
    """Moves the running average of the weights one step towards the pupil's."""
    for mean, latest in zip(average.parameters(), pupil.parameters(), strict=True):
        mean.lerp_(latest, 1.0 - keep)


@torch.inference_mode()
def dev_figures(pupil: Pupil, stage: Stage, dev: Lesson) -> Retrieval:
    """How well the pupil does on the dev photos."""
    if stage.top_rate:
        vectors = torch.cat([pupil.look(maps)[0] for maps in torch.split(dev.views.middle, 100)])
    else:
        vectors, _ = pupil(dev.views.pooled.float(), None)
    return retrieval(vectors.numpy(), dev.captions.flatten(0, 1).numpy())


def save(backbone: Backbone, pupil: Pupil, path: Path) -> None:
    """Writes the whole tower: large matrices as bytes with a scale a row, the rest as float16."""
    tower = ImageTower()
    tower.trunk, tower.top, tower.head = backbone.trunk, pupil.top, pupil.head
    tower.classes = class_names(pupil)
    save_file(packed(tower.state_dict()), path, METADATA)


def class_names(pupil: Pupil) -> ClassNames:
    """The classifier as it came to be, and the names of its classes."""
    classes = ClassNames()
    classes.load_state_dict({**pupil.classifier.state_dict(), "names": pupil.names})
    return classes


def main() -> None:
    """Trains on the folder that the data README describes and writes the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=IMAGE_WEIGHTS)
    parser.add_argument("--views", type=Path, help="folder that keeps views between runs")
    parser.add_argument("--blend", type=Path, help="weights of another run, to be averaged with")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(min(2, torch.get_num_threads()))
    backbone = read_backbone(arguments.data / "backbone" / "mobilenet_v2_1.0_224_quant.tflite")
    print(f"ImageNet top-1 of the backbone: {check_backbone(backbone, arguments.data):.3f}")
    lesson = read_lesson(backbone, arguments.data, "train", arguments.views)
    dev = read_lesson(backbone, arguments.data, "dev", arguments.views)
    top = copy.deepcopy(backbone.top).to(memory_format=torch.channels_last)
    pupil = Pupil(top, without_background(backbone.classifier), lesson.labels)
    for stage in (HEAD_ALONE, TOGETHER):
        pupil = run_stage(pupil, stage, lesson, dev)
        save(backbone, pupil, arguments.out)
    if arguments.blend:
        own, other = (unpacked(load_file(path)) for path in (arguments.out, arguments.blend))
        save_file(packed(blended(own, other, BLEND)), arguments.out, METADATA)


def without_background(classifier: nn.Linear) -> nn.Linear:
    """The classifier less the first of its 1,001 classes, which is the name of nothing."""
    weight, bias = classifier.weight.detach()[1:], classifier.bias.detach()[1:]
    fewer = nn.Linear(weight.shape[1], weight.shape[0])
    fewer.load_state_dict({"weight": weight, "bias": bias})
    return fewer


if __name__ == "__main__":
    main()
