"""How much a cosine says, between 0 and 1: relevance, by what meaningless questions reach.

A cosine alone cannot be read: 0.3 is a fine match between a sentence and a photo, nothing between
two photos, and below all there is for some models. So the Collection itself is asked a number of
questions that mean nothing (`indexer.meaningless`): words that are none, pictures of nothing.
Two figures are kept for each Space and pair of Kinds (what is asked with × what is found):

    typical   the median cosine of a meaningless question and a random asset
    clear     what the best hit of a meaningless question seldom reaches:
              m + 2.25 (m - q),  m the median and q the 16th percentile of those best hits

    relevance = 1 / (1 + exp(-6 ((score - typical) / (clear - typical) - 1)))

which is 0.002 for a typical pair, 0.5 at `clear`, 0.95 half as far again. It grows with the
score, so it never changes the order of a ranking by score. Why it is made so:

- Best hits, not random pairs: whether anything matches is a question about the nearest of many.
  The nearest of 100,000 is nearer by chance than that of 100, and so `clear` follows the
  Collection's size.
- Questions that mean nothing, not random questions or the Collection's own assets: those do match
  something, the more the better the Collection fits them. Where every picture is a flower, the
  pairs among its own pictures would make "a flower" ordinary.
- The lower side of the distribution alone: a chance match only swells the upper side.
- The same figures for every query. Scaling by the query's own scores (the T-norm of speaker
  verification, Auckenthaler, Carey and Lloyd-Thomas 2000) makes things far worse, for a query with
  many matches has a wide distribution of scores: the best hit stands out less, not more.

2.25 has the least log loss on one half of the questions of `tests/bench/relevance.py`;
docs/benchmarks.md reports on the other half. 6 is a little less steep than would fit best (8): a
scale that says but yes or no could not tell a good match from a very good one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from indexer.domain import Kind

CLEAR: Final = 0.5
"""Relevance from which a hit is called a clear match."""

STEEPNESS: Final = 6.0
LOWER_SPREADS: Final = 2.25
_LOWER: Final = 15.87  # percentile one standard deviation below the median, were it normal

LEAST_REACH: Final = 0.05
"""`clear` lies at least this far above `typical`: a model may give nonsense one and the same
vector, and then nothing is known of its spread."""

_PAIR_SPREADS: Final = 3.5
_FEWEST_STORED: Final = 10

Vectors = NDArray[np.float32]


class Method(StrEnum):
    """What the Collection was asked with to find its figures."""

    MEANINGLESS = "meaningless"
    STORED = "stored"


@dataclass(frozen=True, slots=True)
class Calibration:
    """The two figures for one Space and pair of Kinds, and how they came about.

    `assets` of the found Kind were there, and `questions` were asked. `fingerprint` is the Space's:
    figures of another one say nothing.
    """

    space: str
    fingerprint: str
    asked: Kind
    found: Kind
    typical: float
    clear: float
    method: Method
    questions: int
    assets: int


@dataclass(frozen=True, slots=True)
class Scale:
    """Turns the cosines of one query in one Space into relevance."""

    typical: float
    reach: float

    def relevance(self, score: float) -> float:
        """Between 0 and 1; 0.5 at a distance of `reach` above `typical`."""
        exponent = -STEEPNESS * ((score - self.typical) / self.reach - 1)
        return 1 / (1 + math.exp(min(exponent, 700.0)))


def from_best(
    pairs: Vectors, best: Vectors, spreads: float = LOWER_SPREADS
) -> tuple[float, float] | None:
    """(typical, clear) from cosines of meaningless questions: with random assets, any shape, and
    with the best hit of each, shape (questions,). None if there are none."""
    if not pairs.size or not best.size:
        return None
    typical, middle = float(np.median(pairs)), float(np.median(best))
    clear = middle + spreads * (middle - float(np.percentile(best, _LOWER)))
    return typical, max(clear, typical + LEAST_REACH)


def from_stored(asked: Vectors, found: Vectors) -> tuple[float, float] | None:
    """(typical, clear) from the vectors alone, rows of two random samples; None if too few.

    For Spaces that no model can be asked in. A Collection of likes has no ordinary pairs: `clear`
    stays within the middle between `typical` and 1.
    """
    if min(len(asked), len(found)) < _FEWEST_STORED:
        return None
    pairs = asked @ found.T
    other = pairs < 1 - 1e-6  # an asset and itself, or its copy, is no random pair
    if not other.any():
        return None
    typical = float(np.median(pairs[other]))
    spread = typical - float(np.percentile(pairs[other], _LOWER))
    clear = min(typical + _PAIR_SPREADS * spread, (1 + typical) / 2)
    return typical, max(clear, typical + LEAST_REACH)


def scale(calibrations: Sequence[Calibration], weights: Sequence[float], parts: Vectors) -> Scale:
    """The scale of a query made of parts: unit vectors p, shape (n, dimension), each with weight w
    and the calibration (typical t, reach r = clear - typical) of its Kind.

    The query's cosine is sum(w p·x) / length, length = |sum(w p)|. So is its typical value
    sum(w t) / length; and its spread, if two parts vary together as far as they point the same
    way, |sum(w r p)| / length. For a single part, and for parts of one Kind and calibration, that
    is r itself.
    """
    signed = np.asarray(weights, dtype=np.float64)
    typical = np.array([one.typical for one in calibrations])
    reach = np.array([one.clear - one.typical for one in calibrations])
    rows = parts.astype(np.float64)
    length = float(np.linalg.norm(signed @ rows))
    return Scale(
        typical=float(signed @ typical) / length,
        reach=max(float(np.linalg.norm((signed * reach) @ rows)) / length, 1e-3),
    )


def to_payload(calibration: Calibration) -> dict[str, object]:
    """As kept in the Collection's description."""
    return {
        key: value.value if isinstance(value, StrEnum) else value
        for key, value in asdict(calibration).items()
    }


def from_payload(raw: Mapping[str, object]) -> Calibration:
    """The reverse of `to_payload`."""
    return Calibration(
        space=str(raw["space"]),
        fingerprint=str(raw["fingerprint"]),
        asked=Kind(str(raw["asked"])),
        found=Kind(str(raw["found"])),
        typical=float(cast("float", raw["typical"])),
        clear=float(cast("float", raw["clear"])),
        method=Method(str(raw["method"])),
        questions=int(cast("int", raw["questions"])),
        assets=int(cast("int", raw["assets"])),
    )
