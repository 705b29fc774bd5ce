"""Whether relevance tells a match from none: questions that can be answered and that cannot.

    python -m tests.bench relevance DATA [--model mini] [--keep FOLDER]

Every second question chose the two numbers of `indexer.relevance`; what is told is about the
others. Beside relevance stand a raw cosine with one cut-off for all, and each query's own z-score,
both cut off where they do best on the choosing half.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.embedders.loading import LoadedEmbedders
from indexer.ports import Vectors
from indexer.relevance import CLEAR, LOWER_SPREADS, STEEPNESS, Scale
from tests.bench import report
from tests.bench.relevance_parts import fitted, meaningless_parts
from tests.bench.relevance_sizes import by_size
from tests.bench.relevance_trials import FLOWERS, NO_FLOWERS, Source, Trial, trials

Scores = NDArray[np.float32]
Measure = Callable[[Trial, Scores], NDArray[np.float64]]
"""From the cosines of some questions, (questions, assets), to another measure of the same."""

CHOOSING, TELLING = slice(0, None, 2), slice(1, None, 2)
TOP = 10


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench relevance", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--keep", type=Path, help="folder for vectors, for quick repeats")
    options = parser.parse_args(arguments)
    source = Source(options.data, LoadedEmbedders().get(options.model), options.keep)
    all_trials = trials(source)
    report.write(f"relevance-{options.model}", {"model": options.model, **measure(all_trials)})


def measure(of: Mapping[str, Trial]) -> dict[str, object]:
    """All figures, ready for JSON."""
    measures: dict[str, tuple[Measure, float]] = {
        "relevance": (by_relevance, CLEAR),
        "cosine": (by_cosine, best_cut(of, by_cosine)),
        "z-score of the query": (by_z_score, best_cut(of, by_z_score)),
    }
    return {
        "trials": {name: told(trial) for name, trial in of.items()},
        "beside": {
            name: {
                "cut_off": round(cut, 3),
                "auroc_all_trials_together": round(auroc(*tops(of, by, TELLING)), 4),
                "balanced_accuracy": {
                    each: round(balanced(*tops({each: trial}, by, TELLING), cut), 3)
                    for each, trial in of.items()
                },
            }
            for name, (by, cut) in measures.items()
        },
        "log_loss_when_choosing": losses(of),
        "photos_by_caption_by_size": by_size(of["photos by caption"], "aerodynamics"),
        "flowers_word_for_word": word_for_word(of["flowers by name"]),
        "meaningless_parts_clear": meaningless_parts(
            of["photos by caption"].assets,
            of["photos by caption"].meaningless,
            of["flowers by photo"].meaningless,
        ),
    }


def told(trial: Trial) -> dict[str, object]:
    """What the cut-off does to questions of the telling half."""
    scores = cosines(trial.answerable, trial)[TELLING]
    clear = by_relevance(trial, scores) >= CLEAR
    result: dict[str, object] = {
        "assets": len(trial.assets),
        "questions": len(scores),
        "typical": round(figures(trial)[0], 3),
        "clear_from": round(figures(trial)[1], 3),
        "auroc": round(auroc(*tops({"": trial}, by_cosine, TELLING)), 4),
        "answered": share(clear.any(axis=1)),
        "clear_hits_a_question": round(float(clear.sum(axis=1).mean()), 1),
        "silent": {
            sort: share(~(by_relevance(trial, cosines(asked, trial)[TELLING]) >= CLEAR).any(axis=1))
            for sort, asked in trial.others.items()
        },
    }
    if trial.right is not None:
        right = trial.right[TELLING]
        first = np.argsort(-scores, axis=1)[:, :TOP]
        among = np.take_along_axis(right, first, axis=1)
        kept = among & np.take_along_axis(clear, first, axis=1)
        result["right_among_10"] = share(among.any(axis=1))
        result["right_among_10_and_clear"] = share(kept.any(axis=1))
    return result


def word_for_word(trial: Trial) -> dict[str, dict[str, float]]:
    """The best hit's relevance and the share of clear assets, where all assets are flowers."""
    words = [*FLOWERS, *NO_FLOWERS]
    asked = np.concatenate([trial.answerable, trial.others["other things"]])
    return {
        word: {"best": round(float(told.max()), 2), "clear": share(told >= CLEAR)}
        for word, told in zip(words, by_relevance(trial, cosines(asked, trial)), strict=True)
    }


def cosines(asked: Vectors, trial: Trial) -> Scores:
    """Cosines, (questions, assets); an asset is not its own answer."""
    scores = np.asarray(asked @ trial.assets.T, dtype=np.float32)
    if asked is trial.assets:
        np.fill_diagonal(scores, -1)
    return scores


def figures(trial: Trial, spreads: float = LOWER_SPREADS) -> tuple[float, float]:
    """(typical, clear), as the product fits them."""
    return fitted(trial.meaningless, trial.assets, spreads)


def by_relevance(trial: Trial, scores: Scores) -> NDArray[np.float64]:
    typical, clear = figures(trial)
    told = np.vectorize(Scale(typical, clear - typical).relevance)(scores)
    return np.asarray(told, dtype=np.float64)


def by_cosine(_trial: Trial, scores: Scores) -> NDArray[np.float64]:
    return scores.astype(np.float64)


def by_z_score(_trial: Trial, scores: Scores) -> NDArray[np.float64]:
    mean, spread = scores.mean(axis=1, keepdims=True), scores.std(axis=1, keepdims=True)
    return np.asarray((scores - mean) / spread, dtype=np.float64)


def tops(
    of: Mapping[str, Trial], by: Measure, half: slice
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The measure of best hits: of questions with an answer, and of those without."""
    found, missed = [], []
    for trial in of.values():
        found.append(_best(trial, by, trial.answerable, half))
        missed += [_best(trial, by, asked, half) for asked in trial.others.values()]
    return np.concatenate(found), np.concatenate(missed)


def _best(trial: Trial, by: Measure, asked: Vectors, half: slice) -> NDArray[np.float64]:
    best: NDArray[np.float64] = by(trial, cosines(asked, trial)[half]).max(axis=1)
    return best


def auroc(found: NDArray[np.float64], missed: NDArray[np.float64]) -> float:
    """How often a question with an answer scores above one without; ties count half."""
    below = np.searchsorted(np.sort(missed), found, side="left")
    up_to = np.searchsorted(np.sort(missed), found, side="right")
    return float((below + up_to).mean() / 2 / len(missed))


def balanced(found: NDArray[np.float64], missed: NDArray[np.float64], cut: float) -> float:
    """The mean of the shares that are rightly answered and rightly not."""
    return float(((found >= cut).mean() + (missed < cut).mean()) / 2)


def best_cut(of: Mapping[str, Trial], by: Measure) -> float:
    """The one cut-off that serves all trials best, each counting the same."""
    pairs = [tops({name: trial}, by, CHOOSING) for name, trial in of.items()]
    candidates = np.quantile(np.concatenate([np.concatenate(pair) for pair in pairs]), _STEPS)
    return float(max(candidates, key=lambda cut: sum(balanced(*pair, cut) for pair in pairs)))


_STEPS = np.linspace(0.01, 0.99, 197)


def losses(of: Mapping[str, Trial]) -> dict[str, dict[str, float]]:
    """By spreads and steepness: the log loss of the best hit's relevance as a probability that
    the question has an answer. Questions with and without count the same, as do trials."""
    pairs = {name: tops({name: trial}, by_cosine, CHOOSING) for name, trial in of.items()}
    return {
        f"{spreads} spreads": {
            f"steepness {steepness:g}": round(
                float(
                    np.mean(
                        [
                            log_loss(*pairs[name], *figures(trial, spreads), steepness)
                            for name, trial in of.items()
                        ]
                    )
                ),
                4,
            )
            for steepness in (4.0, STEEPNESS, 8.0)
        }
        for spreads in (1.5, 2.0, LOWER_SPREADS, 2.5, 3.0)
    }


def log_loss(
    found: NDArray[np.float64],
    missed: NDArray[np.float64],
    typical: float,
    clear: float,
    steepness: float,
) -> float:
    def surprise(scores: NDArray[np.float64], sign: float) -> float:
        exponent = sign * steepness * ((scores - typical) / (clear - typical) - 1)
        return float(np.logaddexp(0, exponent).mean())

    return (surprise(found, -1) + surprise(missed, 1)) / 2


def share(of: NDArray[np.bool_] | np.bool_) -> float:
    return round(float(np.asarray(of, dtype=np.float64).mean()), 3)
