"""Trains `mini`'s image tower: `python -m indexer.embedders.bundled.train DATA_FOLDER`.

Needs one package beside Semblance's own, to read the backbone: `pip install tflite`.

MiniLM and the lower part of the backbone (the trunk) stay as they are, so captions and trunk run
once. First the head learns alone from the frozen features. With `--top-epochs` the top of the
backbone then learns too; the weights that come with Semblance were made without.
Every choice here was made on the dev photos, which are never trained on.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from indexer.embedders.bundled.backbone import Backbone, read_backbone
from indexer.embedders.bundled.lessons import CAPTIONS, Lesson, check_backbone, read_lesson
from indexer.embedders.bundled.measure import Retrieval, retrieval
from indexer.embedders.bundled.towers import (
    ClassNames,
    Head,
    ImageTower,
    Top,
    joined,
    pooled,
)
from indexer.embedders.bundled.views import VIEWS
from indexer.embedders.mini import IMAGE_WEIGHTS

LABEL_WEIGHT = 0.3


class Stage(NamedTuple):
    """How one stage of training runs; learning rates are those after warm-up."""

    epochs: int
    batch: int
    pool: int
    """Photos contrasted in one step: the batch and, with their latest vectors, others."""
    head_rate: float
    top_rate: float
    average: float
    """Share of the running average of the weights that each step keeps."""


HEAD_ALONE = Stage(epochs=26, batch=1000, pool=1000, head_rate=1e-3, top_rate=0.0, average=0.98)
TOGETHER = Stage(epochs=0, batch=120, pool=1500, head_rate=3e-4, top_rate=5e-4, average=0.98)


class Pupil(nn.Module):
    """The part of the tower that learns, and the two temperatures it learns with."""

    def __init__(self, top: Top, classes: ClassNames) -> None:
        super().__init__()
        self.top = top
        self.head = Head(dropout=0.3)
        self.classes = classes
        self.caption_scale = nn.Parameter(torch.tensor(math.log(20.0)))
        self.label_scale = nn.Parameter(torch.tensor(math.log(20.0)))

    def forward(self, features: Tensor) -> Tensor:
        return joined(self.head(features), self.classes(features))


def contrast(vectors: Tensor, captions: Tensor, others: Tensor, scale: Tensor) -> Tensor:
    """InfoNCE in both directions: (b, 384) images against (p, 5, 384) captions, own ones first.

    `others`, (p − b, 384), are vectors of the remaining photos as they were when last seen.
    """
    count, pool = len(vectors), torch.cat([vectors, others])
    of_batch = captions[:count].flatten(0, 1)
    owner = torch.arange(count).repeat_interleave(CAPTIONS)
    text_to_image = functional.cross_entropy(scale * of_batch @ pool.T, owner)
    chances = (scale * vectors @ captions.flatten(0, 1).T).log_softmax(1)
    own = chances.gather(1, torch.arange(count * CAPTIONS).view(count, CAPTIONS))
    return text_to_image - own.mean()


def remember(vectors: Tensor, labels: Tensor, logits: Tensor, scale: Tensor) -> Tensor:
    """How far class names, by their MiniLM vectors, stray from what the ImageNet head says.

    Keeps words in the space that no caption of the training photos contains.
    """
    said = (scale * vectors @ labels.T).log_softmax(1)
    return functional.kl_div(
        said, (logits / 2.0).log_softmax(1), reduction="batchmean", log_target=True
    )


def step(pupil: Pupil, stage: Stage, lesson: Lesson, memory: Tensor, rows: Tensor) -> Tensor:
    """The loss of one step; `rows` are photos, those to learn from first. Updates `memory`."""
    batch = rows[: stage.batch]
    at = batch * VIEWS + torch.randint(VIEWS, (len(batch),))
    if stage.top_rate:
        middle = lesson.views.middle[at].float().contiguous(memory_format=torch.channels_last)
        vectors = pupil(pooled(pupil.top(middle)))
    else:
        vectors = pupil(lesson.views.pooled[at].float())
    others = memory[rows[stage.batch :]]
    memory[batch] = vectors.detach()
    captions = contrast(vectors, lesson.captions[rows], others, pupil.caption_scale.exp())
    logits = lesson.views.logits[at].float()
    return captions + LABEL_WEIGHT * remember(
        vectors, lesson.labels, logits, pupil.label_scale.exp()
    )


def epoch_rows(photos: int, stage: Stage) -> Iterator[Tensor]:
    """For every step of one epoch the photos to contrast, those to learn from first."""
    order = torch.randperm(photos)
    for start in range(0, photos - stage.batch + 1, stage.batch):
        yield order.roll(-start)[: stage.pool]


def optimiser_of(pupil: Pupil, stage: Stage) -> torch.optim.Optimizer:
    """AdamW with the rates of the stage."""
    scales = [pupil.caption_scale, pupil.label_scale]
    return torch.optim.AdamW(
        [
            {"params": [*pupil.head.parameters()], "lr": stage.head_rate, "weight_decay": 0.1},
            {"params": [*pupil.top.parameters()], "lr": stage.top_rate, "weight_decay": 0.01},
            {"params": scales, "lr": stage.head_rate * 10, "weight_decay": 0.0},
        ]
    )


def run_stage(pupil: Pupil, stage: Stage, lesson: Lesson, memory: Tensor, dev: Lesson) -> Pupil:
    """Trains for one stage and returns the running average; `memory` holds the latest vectors."""
    optimiser = optimiser_of(pupil, stage)
    count = stage.epochs * (len(lesson.captions) // stage.batch)
    warm = max(1, count // 20)
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda n: min((n + 1) / warm, 0.5 + 0.5 * math.cos(math.pi * n / count))
    )
    average = copy.deepcopy(pupil).eval()
    for epoch in range(stage.epochs):
        started = time.monotonic()
        pupil.train()
        for number, rows in enumerate(epoch_rows(len(lesson.captions), stage)):
            optimiser.zero_grad()
            step(pupil, stage, lesson, memory, rows).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            rate.step()
            # Early weights are worse than any average that forgets them soon.
            done = epoch * (len(lesson.captions) // stage.batch) + number
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
    features = (
        torch.cat([pooled(pupil.top(maps.float())) for maps in torch.split(dev.views.middle, 100)])
        if stage.top_rate
        else dev.views.pooled.float()
    )
    return retrieval(pupil(features).numpy(), dev.captions.flatten(0, 1).numpy())


def save(backbone: Backbone, pupil: Pupil, path: Path) -> None:
    """Writes the whole tower as float16, which halves the file and moves no figure."""
    tower = ImageTower()
    tower.trunk, tower.top, tower.head = backbone.trunk, pupil.top, pupil.head
    tower.classes = pupil.classes
    weights = {name: t.detach().half().contiguous() for name, t in tower.state_dict().items()}
    weights["classes.weight"] = weights["classes.weight"].to(torch.int8)
    save_file(weights, path, metadata={"model": "mini", "licence": "see MODEL_CARD.md"})


def class_names(classifier: nn.Linear, names: Tensor) -> ClassNames:
    """The backbone's classifier, rounded to a byte a weight, and the names of its classes."""
    classes = ClassNames()
    # The first of the 1,001 classes is "background", which is the name of nothing.
    weight, bias = classifier.weight.detach()[1:], classifier.bias.detach()[1:]
    scale = weight.abs().amax(1) / 127
    classes.load_state_dict(
        {"weight": (weight / scale[:, None]).round(), "scale": scale, "bias": bias, "names": names}
    )
    return classes


def main() -> None:
    """Trains on the folder that the data README describes and writes the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=IMAGE_WEIGHTS)
    parser.add_argument("--views", type=Path, help="folder that keeps views between runs")
    parser.add_argument("--top-epochs", type=int, default=0, help="epochs of the second stage")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(min(2, torch.get_num_threads()))
    backbone = read_backbone(arguments.data / "backbone" / "mobilenet_v2_1.0_224_quant.tflite")
    print(f"ImageNet top-1 of the backbone: {check_backbone(backbone, arguments.data):.3f}")
    lesson = read_lesson(backbone, arguments.data, "train", arguments.views)
    dev = read_lesson(backbone, arguments.data, "dev", arguments.views)
    memory = torch.zeros(len(lesson.captions), lesson.captions.shape[-1])
    classes = class_names(backbone.classifier, lesson.labels)
    pupil = Pupil(copy.deepcopy(backbone.top).to(memory_format=torch.channels_last), classes)
    together = TOGETHER._replace(epochs=arguments.top_epochs)
    for stage in (HEAD_ALONE, together) if arguments.top_epochs else (HEAD_ALONE,):
        pupil = run_stage(pupil, stage, lesson, memory, dev)
        save(backbone, pupil, arguments.out)


if __name__ == "__main__":
    main()
