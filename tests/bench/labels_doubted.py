"""Planted wrong labels: how many are found, and whether cleanlab finds the same."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.labels.confident import doubts
from indexer.analysis.labels.labelled import Codes
from indexer.analysis.labels.regression import chosen_strength, fit, folds
from indexer.ports import Vectors

WRONG = 0.05

_CLEANLAB = """
import json, sys
import numpy as np
from cleanlab.filter import find_label_issues
given, chances = np.load(sys.argv[1]), np.load(sys.argv[2]).astype(float)
chances /= chances.sum(axis=1, keepdims=True)
found = find_label_issues(given, chances, filter_by="confident_learning", n_jobs=1)
usual = find_label_issues(given, chances, n_jobs=1)
print(json.dumps({"confident_learning": found.tolist(), "usual": usual.tolist()}))
"""


def doubted(vectors: Vectors, codes: Codes, seed: int, cleanlab: Path | None) -> dict[str, float]:
    """How many planted wrong labels are found, beside cleanlab on the same chances."""
    rng, n, classes = np.random.default_rng(seed), len(codes), int(codes.max()) + 1
    wrong = np.zeros(n, bool)
    wrong[rng.choice(n, round(WRONG * n), replace=False)] = True
    given = codes.copy()
    given[wrong] = (given[wrong] + rng.integers(1, classes, wrong.sum())) % classes
    strength = chosen_strength(vectors, given, classes, seed)
    fold, unseen = folds(given, 5, seed), np.empty((n, classes), np.float32)
    for number in range(5):
        out = fold == number
        model = fit(vectors[~out], given[~out], classes, strength)
        unseen[out] = model.probabilities(vectors[out])
    found = doubts(given, unseen)
    hits = wrong[np.argsort(found.self_confidence)]
    told = {
        **precision_and_recall(found.candidates, wrong),
        "average_precision": (np.cumsum(hits) / np.arange(1, n + 1))[hits].mean(),
        "estimated_wrong": found.share_wrong,
    }
    return told | (
        beside_cleanlab(cleanlab, given, unseen, wrong, found.candidates) if cleanlab else {}
    )


def beside_cleanlab(
    python: Path, given: Codes, unseen: Vectors, wrong: NDArray[np.bool_], ours: NDArray[np.bool_]
) -> dict[str, float]:
    """What cleanlab finds, and how far the two agree."""
    with tempfile.TemporaryDirectory() as folder:
        files = [f"{folder}/given.npy", f"{folder}/chances.npy"]
        np.save(files[0], given)
        np.save(files[1], unseen)
        ran = subprocess.run(
            [python, "-c", _CLEANLAB, *files], capture_output=True, text=True, check=True
        )
    answer = {name: np.array(found) for name, found in json.loads(ran.stdout).items()}
    same, usual = answer["confident_learning"], answer["usual"]
    told = precision_and_recall(usual, wrong)
    return {
        "jaccard_with_cleanlab": (same & ours).sum() / max((same | ours).sum(), 1),
        **{f"cleanlab_by_default_{name}": value for name, value in told.items()},
    }


def precision_and_recall(found: NDArray[np.bool_], wrong: NDArray[np.bool_]) -> dict[str, float]:
    hits = (found & wrong).sum()
    return {
        "found": float(found.sum()),
        "precision": hits / max(found.sum(), 1),
        "recall": hits / wrong.sum(),
    }
