"""Does relevance hold in a collection of one asset, and of a thousand?"""

from __future__ import annotations

import numpy as np

from indexer.relevance import CLEAR, Scale
from tests.bench.relevance_parts import fitted
from tests.bench.relevance_trials import Trial

SIZES = (1, 3, 10, 30, 100, 300, 1000)
ROUNDS = 40
QUESTIONS = 20


def by_size(trial: Trial, other: str) -> dict[str, dict[str, float]]:
    """For random parts of a collection: where a clear match begins, the share of right assets that
    are clear matches, and of questions of the sort `other` that are answered with nothing."""
    chance = np.random.default_rng(0)
    return {
        str(size): dict(zip(_NAMES, _mean_of(trial, other, size, chance), strict=True))
        for size in SIZES
        if size <= len(trial.assets)
    }


_NAMES = ("clear_from", "right_asset_clear", "others_silent")


def _mean_of(trial: Trial, other: str, size: int, chance: np.random.Generator) -> list[float]:
    rounds = [_draw(trial, other, size, chance) for _ in range(ROUNDS)]
    return [round(float(value), 3) for value in np.mean(rounds, axis=0)]


def _draw(
    trial: Trial, other: str, size: int, chance: np.random.Generator
) -> tuple[float, float, float]:
    assert trial.right is not None
    drawn = chance.permutation(len(trial.assets))[:size]
    assets, right = trial.assets[drawn], trial.right[:, drawn]
    typical, clear = fitted(trial.meaningless, assets)
    scale = Scale(typical, clear - typical)
    answered = chance.permutation(np.flatnonzero(right.any(axis=1)))[:QUESTIONS]
    own = [float((trial.answerable[row] @ assets[right[row]].T).max()) for row in answered]
    others = chance.permutation(trial.others[other])[:QUESTIONS] @ assets.T
    return (
        clear,
        float(np.mean([scale.relevance(score) >= CLEAR for score in own])),
        float(np.mean([scale.relevance(float(score)) < CLEAR for score in others.max(axis=1)])),
    )
