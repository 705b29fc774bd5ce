"""What `mini` knows of labels: by words, by neighbours, learnt, doubted; scikit-learn beside it.

    python -m tests.bench labels DATA [--cleanlab PYTHON] [--keep FOLDER]

Over five kinds of flowers and ten garments. One label in twenty is made wrong to see whether it is
found; cleanlab, in a Python of its own, is asked about the same labels and chances. Figures that
depend on chance are means over `SEEDS`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image

from indexer.analysis.labels.classification import chances
from indexer.analysis.labels.labelled import NONE, Codes
from indexer.analysis.labels.prompts import PICTURES
from indexer.analysis.labels.regression import chosen_strength, fit, held_out
from indexer.analysis.labels.spreading import affinities, spread
from indexer.analysis.neighbours import NeighbourGraph
from indexer.embedders.loading import LoadedEmbedders
from indexer.ports import Logits, Vectors
from tests.bench import report
from tests.bench.labels_doubted import doubted

SETS = ("flowers5", "clothing")
SEEDS = range(5)
KNOWN = 5


@dataclass(frozen=True)
class Photos:
    """Vectors, shape (n, dimension), and the class of each."""

    vectors: Vectors
    codes: Codes
    classes: list[str]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench labels", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cleanlab", type=Path, help="a Python that has cleanlab")
    parser.add_argument("--keep", type=Path, help="folder for vectors, for quick repeats")
    parser.add_argument("--large", action="store_true", help="also 100,000 x 512 x 100 classes")
    options = parser.parse_args(arguments)
    result: dict[str, object] = {}
    for name in SETS:
        photos = read(options.data / name, options.keep)
        result[name] = {
            "by_words": by_words(photos),
            "nearest_neighbour": nearest(photos),
            "probe": mean(lambda seed, of=photos: probed(of, seed)),  # type: ignore[misc]
            f"propagation_from_{KNOWN}_each": mean(lambda seed, of=photos: propagated(of, seed)),  # type: ignore[misc]
            "label_errors": mean(
                lambda seed, of=photos: doubted(of.vectors, of.codes, seed, options.cleanlab)  # type: ignore[misc]
            ),
        }
    if options.large:
        result["large"] = large()
    report.write("labels", result)


def read(folder: Path, keep: Path | None) -> Photos:
    """Photos in folders named by class."""
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in (".jpg", ".png"))
    kept = keep / f"{folder.name}-labels.npy" if keep else None
    if kept is not None and kept.exists():
        vectors = np.load(kept)
    else:
        model = LoadedEmbedders().get("mini")
        vectors = model.embed_images(
            [model.prepare(PIL.Image.open(file).convert("RGB")) for file in files]
        )
        if kept is not None:
            np.save(kept, vectors)
    classes = sorted({file.parent.name for file in files})
    codes = np.array([classes.index(file.parent.name) for file in files], np.int32)
    return Photos(vectors, codes, classes)


def by_words(of: Photos) -> dict[str, object]:
    """Zero-shot accuracy, and how far mean scores are from it (expected calibration error)."""
    model = LoadedEmbedders().get("mini")
    phrases = [PICTURES[0].replace("{}", name) for name in of.classes]
    shares = chances(of.vectors @ model.embed_queries(phrases).T, Logits(20.0))
    right, sure = shares.argmax(axis=1) == of.codes, shares.max(axis=1)
    bins = np.minimum((sure * 10).astype(int), 9)
    gaps = [abs(float(right[bins == b].sum() - sure[bins == b].sum())) for b in range(10)]
    return {
        "accuracy": rounded(right.mean()),
        "mean_score": rounded(sure.mean()),
        "calibration_error": rounded(sum(gaps) / len(right)),
    }


def nearest(of: Photos) -> float:
    """Accuracy of the nearest other photo's label."""
    graph = graph_of(of.vectors, 1)
    return rounded((of.codes[graph.indices[:, 0]] == of.codes).mean())


def probed(of: Photos, seed: int) -> dict[str, float]:
    """Accuracy on a held-out fifth, ours and scikit-learn's with the same strength."""
    from sklearn.linear_model import LogisticRegression

    out, classes = held_out(of.codes, 0.2, seed), len(of.classes)
    train, codes = of.vectors[~out], of.codes[~out]
    begun = time.perf_counter()
    strength = chosen_strength(train, codes, classes, seed)
    chosen = time.perf_counter()
    model = fit(train, codes, classes, strength)
    fitted = time.perf_counter()
    mean_, spread_ = train.mean(axis=0), np.sqrt(train.var(axis=0).mean())
    theirs = LogisticRegression(C=strength, max_iter=2000).fit((train - mean_) / spread_, codes)
    ended = time.perf_counter()
    said = theirs.predict((of.vectors[out] - mean_) / spread_)
    return {
        "accuracy": (model.probabilities(of.vectors[out]).argmax(axis=1) == of.codes[out]).mean(),
        "accuracy_of_scikit_learn": (said == of.codes[out]).mean(),
        "strength": strength,
        "seconds_to_choose": chosen - begun,
        "seconds_to_fit": fitted - chosen,
        "seconds_of_scikit_learn": ended - fitted,
    }


def propagated(of: Photos, seed: int) -> dict[str, float]:
    """Accuracy on all others from a few labels a class, ours and scikit-learn's LabelSpreading."""
    from sklearn.semi_supervised import LabelSpreading

    rng = np.random.default_rng(seed)
    codes = np.full_like(of.codes, NONE)
    for code in range(len(of.classes)):
        known = rng.choice(np.flatnonzero(of.codes == code), KNOWN, replace=False)
        codes[known] = code
    new = codes == NONE
    weights = affinities(graph_of(of.vectors, 10))
    found = spread(weights, codes, len(of.classes), 0.9)
    dense = weights.toarray()
    same = LabelSpreading(kernel=lambda a, b: dense, alpha=0.9, max_iter=1000).fit(
        of.vectors, codes
    )
    usual = LabelSpreading(kernel="knn", n_neighbors=10, max_iter=1000).fit(of.vectors, codes)
    alike = of.vectors @ of.vectors[~new].T
    return {
        "accuracy": (found.codes[new] == of.codes[new]).mean(),
        "accuracy_of_scikit_learn": (same.transduction_[new] == of.codes[new]).mean(),
        "accuracy_of_scikit_learn_by_default": (usual.transduction_[new] == of.codes[new]).mean(),
        "accuracy_of_nearest_label": (
            codes[~new][alike.argmax(axis=1)][new] == of.codes[new]
        ).mean(),
    }


def large() -> dict[str, float]:
    """Seconds for made-up vectors: 100,000 x 512, 100 overlapping classes."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 100, 100_000).astype(np.int32)
    vectors = rng.normal(size=(100, 512))[codes] * 0.25 + rng.normal(size=(100_000, 512))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    out = held_out(codes, 0.2, 0)
    steps: list[int] = []
    begun = time.perf_counter()
    strength = chosen_strength(vectors[~out], codes[~out], 100, 0)
    chosen = time.perf_counter()
    model = fit(vectors[~out], codes[~out], 100, strength, steps.append)
    fitted = time.perf_counter()
    right = model.probabilities(vectors[out]).argmax(axis=1) == codes[out]
    return {
        "seconds_to_choose": rounded(chosen - begun),
        "seconds_to_fit": rounded(fitted - chosen),
        "steps": len(steps),
        "strength": strength,
        "accuracy": rounded(right.mean()),
    }


def graph_of(vectors: Vectors, k: int) -> NeighbourGraph:
    """Exactly, for a few hundred rows."""
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -2)
    order = np.argsort(-cosines, axis=1)[:, :k].astype(np.int32)
    return NeighbourGraph(order, np.take_along_axis(cosines, order, axis=1))


def mean(measure: Callable[[int], dict[str, float]]) -> dict[str, float]:
    """Of each figure the mean over the seeds."""
    every = [measure(seed) for seed in SEEDS]
    return {name: rounded(np.mean([one[name] for one in every])) for name in every[0]}


def rounded(value: float | np.floating) -> float:
    return round(float(value), 3)
