"""Which measure makes which issue: scores from 0 (fine) to 1 (as bad as can be).

Half way lies the point from which a person minds, found by looking at photographs and pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Columns = Mapping[str, Values]

Issue = Literal[
    "dark",
    "light",
    "blurred",
    "blank",
    "empty_page",
    "grey",
    "odd_size",
    "odd_aspect",
    "short",
    "long",
    "numbers",
    "garbled",
    "other_script",
]
ISSUES: Final[tuple[Issue, ...]] = get_args(Issue)

_RARE_SCRIPT = 0.1
"""Share of the texts below which a script is not that of the collection."""
_PAPER = 0.6


@dataclass(frozen=True, slots=True)
class Ramp:
    """A measure as a score: 0 at `fine`, a half at `limit`, 1 at `worst`, straight between."""

    measure: str
    fine: float
    limit: float
    worst: float

    def scores(self, columns: Columns) -> Values:
        """NaN where there is no measure."""
        return ramp(columns[self.measure], self.fine, self.limit, self.worst)


def ramp(values: Values, fine: float, limit: float, worst: float) -> Values:
    places, scores = np.array([fine, limit, worst]), np.array([0.0, 0.5, 1.0])
    if fine > worst:
        places, scores = places[::-1], scores[::-1]
    found = np.interp(values, places, scores)
    return np.where(np.isnan(values), np.nan, found)


def scores_of(columns: Columns, scripts: Sequence[str | None]) -> dict[Issue, Values]:
    """The score of each issue for each row; NaN where it cannot be had.

    `columns`: the measures of pictures and texts by name, NaN where there is none, and `width` and
    `height` in pixels.
    """
    found: dict[Issue, Values] = {issue: one.scores(columns) for issue, one in _RAMPS.items()}
    for issue, of_rest in _RELATIVE.items():
        found[issue] = of_rest(columns)
    found["other_script"] = _other_script(scripts)
    return found


def _grey(columns: Columns) -> Values:
    """Black and white among pictures in colour; nothing of note where most are so."""
    scores = ramp(columns["colour"], 0.06, 0.03, 0)
    there = scores[~np.isnan(scores)]
    return scores * 0 if len(there) and (there > 0.5).mean() > 0.5 else scores


def _empty_page(columns: Columns) -> Values:
    """Light paper with hardly anything on it."""
    scores = ramp(columns["ink"], 0.04, 0.012, 0.002)
    return np.where(columns["tone"] < _PAPER, scores * 0, scores)


def _odd_size(columns: Columns) -> Values:
    """Far larger or smaller than most: four times in each direction, or what is usual here."""
    return _odd(np.log2(np.sqrt(columns["width"] * columns["height"])), least=2.0)


def _odd_aspect(columns: Columns) -> Values:
    """Far longer than most pictures here; lying or standing does not matter."""
    longer = np.maximum(columns["width"], columns["height"])
    shorter = np.minimum(columns["width"], columns["height"])
    return _odd(np.log2(longer / shorter), least=1.2)


def _long(columns: Columns) -> Values:
    length = np.log2(np.maximum(columns["characters"], 1))
    return np.where(length < _median(length), length * 0, _odd(length, least=3.0))


def _short(columns: Columns) -> Values:
    """Fewer than 20 characters; where all are so, a quarter of what is usual."""
    length = np.log2(np.maximum(columns["characters"], 1))
    limit = min(np.log2(20), _median(length) - 2) if len(length) else np.log2(20)
    # Where even one character is more than a quarter of what is usual, none is too short.
    return ramp(length, limit + 1, limit, min(limit - 1, max(limit - 3, -1)))


def _odd(values: Values, least: float) -> Values:
    """How far from the median: half way at `least`, or at 3 interquartile ranges beyond quartiles
    that lie further apart (Tukey's far out)."""
    there = values[np.isfinite(values)]
    if not len(there):
        return np.full(len(values), np.nan)
    low, middle, high = np.quantile(there, [0.25, 0.5, 0.75])
    limit = max(least, max(high - middle, middle - low) + 3 * (high - low))
    return ramp(np.abs(values - middle), limit / 2, limit, 2 * limit)


def _median(values: Values) -> float:
    there = values[np.isfinite(values)]
    return float(np.median(there)) if len(there) else 0.0


def _other_script(scripts: Sequence[str | None]) -> Values:
    """1 for texts in letters that hardly any other text is in; NaN for what has none."""
    known = [script for script in scripts if script is not None]
    rare = {one for one in set(known) if known.count(one) < _RARE_SCRIPT * len(known)}
    return np.array([np.nan if one is None else float(one in rare) for one in scripts])


_RAMPS: Final[Mapping[Issue, Ramp]] = {
    "dark": Ramp("brightest", fine=0.7, limit=0.45, worst=0.1),
    "light": Ramp("darkest", fine=0.4, limit=0.6, worst=0.95),
    "blurred": Ramp("sharpness", fine=0.75, limit=0.62, worst=0.3),
    "blank": Ramp("ink", fine=0.02, limit=0.003, worst=0),
    "numbers": Ramp("digits", fine=0.25, limit=0.5, worst=1),
    "garbled": Ramp("garbled", fine=0.1, limit=0.25, worst=0.75),
}

_RELATIVE: Final[Mapping[Issue, Callable[[Columns], Values]]] = {
    "empty_page": _empty_page,
    "grey": _grey,
    "odd_size": _odd_size,
    "odd_aspect": _odd_aspect,
    "short": _short,
    "long": _long,
}
