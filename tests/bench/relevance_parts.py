"""Questions of several parts that all mean nothing: are they as seldom answered as single ones?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from indexer import relevance
from indexer.domain import Kind
from indexer.ports import Vectors
from indexer.relevance import CLEAR, LOWER_SPREADS, Calibration, Method

TIMES = 300


def meaningless_parts(photos: Vectors, words: Vectors, nothing: Vectors) -> dict[str, float]:
    """The share of questions with a clear hit, by what they are made of."""
    chance = np.random.default_rng(0)
    kinds = {
        "text": (words, _figures_of(words, photos)),
        "picture": (nothing, _figures_of(nothing, photos)),
    }
    recipes = {
        "text": [("text", 1.0)],
        "picture": [("picture", 1.0)],
        "text + text": [("text", 1.0), ("text", 1.0)],
        "text + picture": [("text", 1.0), ("picture", 1.0)],
        "text - text": [("text", 1.0), ("text", -1.0)],
        "picture - text": [("picture", 1.0), ("text", -1.0)],
        "text + picture - text": [("text", 1.0), ("picture", 1.0), ("text", -1.0)],
    }
    return {
        name: round(sum(_is_clear(recipe, kinds, photos, chance) for _ in range(TIMES)) / TIMES, 3)
        for name, recipe in recipes.items()
    }


def _is_clear(
    recipe: Sequence[tuple[str, float]],
    kinds: Mapping[str, tuple[Vectors, Calibration]],
    photos: Vectors,
    chance: np.random.Generator,
) -> bool:
    """Whether a meaningless question of these parts, drawn by chance, has a clear hit."""
    drawn = {kind: chance.permutation(len(kinds[kind][0])) for kind, _ in recipe}
    rows = [kinds[kind][0][drawn[kind][place]] for place, (kind, _) in enumerate(recipe)]
    parts, weights = np.stack(rows), np.array([weight for _, weight in recipe])
    scale = relevance.scale([kinds[kind][1] for kind, _ in recipe], [*weights], parts)
    total = weights @ parts
    return scale.relevance(float((photos @ total).max() / np.linalg.norm(total))) >= CLEAR


def fitted(
    meaningless: Vectors, assets: Vectors, spreads: float = LOWER_SPREADS
) -> tuple[float, float]:
    """(typical, clear), as the product fits them."""
    scores = meaningless @ assets.T
    figures = relevance.from_best(scores, scores.max(axis=1), spreads)
    assert figures is not None, "there are assets and questions"
    return figures


def _figures_of(asked: Vectors, assets: Vectors) -> Calibration:
    image, method = Kind.IMAGE, Method.MEANINGLESS
    return Calibration(
        "", "", image, image, *fitted(asked, assets), method, len(asked), len(assets)
    )
