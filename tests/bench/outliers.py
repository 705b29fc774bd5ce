"""How surely planted misfits are found, beside cleanlab's OutOfDistribution on the same vectors.

    python3 -m venv PEERS && PEERS/bin/pip install cleanlab
    ./run bench outliers FOLDER --python PEERS/bin/python

FOLDER has `flowers5` and `clothing`, each with a folder a class. Into one, some pictures of the
other are planted, drawn anew a few times; AUROC says how often a misfit is stranger than one that
belongs (1 always, 0.5 chance): its mean and its least over the draws. For cleanlab: Spearman's
rank correlation with `knn`, its AUROC, and the seconds both take from vectors to scores.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from indexer.analysis.neighbours import nearest_neighbours
from indexer.analysis.outliers.judging import Judged, OutlierParameters, judge
from indexer.embedders.loading import load
from indexer.embedders.naming import resolve
from tests.bench import report
from tests.bench.beside import beside
from tests.bench.relevance import auroc

Vectors = NDArray[np.float32]

CASES = (
    ("flowers5", "clothing", 50),
    ("clothing", "flowers5", 50),
    ("flowers5", "clothing", 10),
    ("clothing", "flowers5", 10),
)
SCORES: tuple[dict[str, object], ...] = (
    {"by": "knn"},
    {"by": "knn", "k": 100},
    {"by": "lof"},
    {"by": "lof", "k": 100},
    {"by": "centre"},
    {"by": "centre", "clusters": 5},
    {"by": "core"},
)

CLEANLAB = """
from cleanlab.outlier import OutOfDistribution
vectors = np.load(folder / "vectors.npy")
OutOfDistribution().fit_score(features=vectors[:100], verbose=False)
started = time.perf_counter()
scores = OutOfDistribution().fit_score(features=vectors, verbose=False)
seconds = time.perf_counter() - started
np.save(folder / "scores.npy", scores)
import cleanlab
print(json.dumps({"seconds": seconds, "version": cleanlab.__version__}))
"""


class _Silent:
    def step(self, what: str, done: int = 0, total: int | None = None) -> None: ...


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench outliers", description=__doc__)
    parser.add_argument("data", type=Path, help="the folder that has flowers5 and clothing")
    parser.add_argument("--python", type=Path, help="a Python that has cleanlab")
    parser.add_argument("--alone", action="store_true", help="measure without cleanlab")
    parser.add_argument("--draws", type=int, default=5)
    options = parser.parse_args(arguments)
    vectors = {name: _vectors(options.data / name) for name in ("flowers5", "clothing")}
    cases: dict[str, object] = {}
    for usual, strange, count in CASES:
        name = f"{count} of {strange} among {len(vectors[usual])} of {usual}"
        cases[name] = _case(vectors[usual], vectors[strange], count, options.draws)
    result: dict[str, object] = {"model": "mini", "auroc": cases}
    if not options.alone:
        result["cleanlab"] = _beside_cleanlab(vectors, options.python)
    report.write("outliers", result)


def _vectors(folder: Path) -> Vectors:
    paths = sorted(path for path in folder.glob("*/*") if path.suffix.lower() in (".jpg", ".png"))
    if not paths:
        raise SystemExit(f"There are no pictures in {folder}/*/; name the folder that has them.")
    model = load(resolve("mini"), "cpu", 32)
    found = []
    for start in range(0, len(paths), 32):
        pictures = [PIL.Image.open(path).convert("RGB") for path in paths[start : start + 32]]
        found.append(model.embed_images([model.prepare(one) for one in pictures]))
    return np.concatenate(found)


def _draws(usual: Vectors, strange: Vectors, count: int, draws: int) -> Iterator[Vectors]:
    chance = np.random.default_rng(0)
    for _ in range(draws):
        planted = chance.choice(len(strange), count, replace=False)
        yield np.concatenate([usual, strange[planted]])


def _case(usual: Vectors, strange: Vectors, count: int, draws: int) -> dict[str, object]:
    found: dict[str, list[dict[str, float]]] = {}
    for vectors in _draws(usual, strange, count, draws):
        for chosen in SCORES:
            name = " ".join(f"{key}={value}" for key, value in chosen.items())
            found.setdefault(name, []).append(_figures(_judged(vectors, chosen), count))
    return {name: _told(rounds) for name, rounds in found.items()}


def _figures(judged: Judged, count: int) -> dict[str, float]:
    flagged = int(judged.flagged.sum())
    right = int(judged.flagged[-count:].sum())
    return {
        "auroc": auroc(judged.distance[-count:], judged.distance[:-count]),
        "flagged": flagged,
        "precision": right / flagged if flagged else 1.0,
        "recall": right / count,
    }


def _told(rounds: list[dict[str, float]]) -> dict[str, float]:
    least = round(min(one["auroc"] for one in rounds), 4)
    means = {key: round(float(np.mean([one[key] for one in rounds])), 4) for key in rounds[0]}
    return {"auroc": means.pop("auroc"), "auroc_least": least, **means}


def _judged(vectors: Vectors, chosen: dict[str, object]) -> Judged:
    parameters = OutlierParameters.model_validate(chosen)
    graph = nearest_neighbours(vectors, parameters.neighbours, _Silent())
    return judge(vectors, graph, parameters)


def _beside_cleanlab(vectors: dict[str, Vectors], python: Path | None) -> dict[str, Any]:
    from scipy.stats import spearmanr

    count = 50
    mixed = next(_draws(vectors["flowers5"], vectors["clothing"], count, 1))
    theirs = beside(python, "cleanlab", CLEANLAB, {"vectors": mixed})
    _judged(mixed[:100], {"by": "knn"})
    started = time.perf_counter()
    ours = _judged(mixed, {"by": "knn"}).distance
    seconds = time.perf_counter() - started
    strange = 1 - theirs["scores"]
    return {
        "version": theirs["version"],
        "spearman": round(float(spearmanr(ours, strange).statistic), 6),
        "auroc": round(auroc(strange[-count:], strange[:-count]), 4),
        "auroc_ours": round(auroc(ours[-count:], ours[:-count]), 4),
        "seconds": round(theirs["seconds"], 4),
        "seconds_ours": round(seconds, 4),
    }
