"""What a pair is, and on what evidence: nothing is called a duplicate that was not laid upon it.

A model's cosine and a hash only name candidates. Two pictures are duplicates when one, turned,
scaled and with its tones fitted, comes out as the other pixel by pixel where they cover each other,
but for what was written over it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from indexer.analysis.duplicates.geometry import (
    Laid,
    Likeness,
    laid_by_keypoints,
    laid_whole,
    likeness,
)
from indexer.analysis.duplicates.hashes import Turn
from indexer.analysis.duplicates.surroundings import Surroundings, surroundings
from indexer.analysis.duplicates.views import View


class Verdict(StrEnum):
    """What one of a pair is to the other, the most telling first.

    The last two are for a person to look at: nothing is ever suggested for removal on them.
    """

    SAME_PIXELS = "same_pixels"
    SCREENSHOT = "screenshot"
    BORDERED = "bordered"
    CROPPED = "cropped"
    OVERLAID = "overlaid"
    ROTATED = "rotated"
    MIRRORED = "mirrored"
    RECOLOURED = "recoloured"
    RESIZED = "resized"
    REENCODED = "reencoded"
    SAME_TEXT = "same_text"
    CONTAINED = "contained"
    REWORDED = "reworded"
    SAME_SCENE = "same_scene"


SOFT = frozenset({Verdict.REWORDED, Verdict.SAME_SCENE})
"""For review alone."""

PARTS = frozenset({Verdict.SCREENSHOT, Verdict.BORDERED, Verdict.CROPPED, Verdict.CONTAINED})
"""One holds what the other is: two parts of one whole need not resemble each other."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict on (first, second), and all that happened to the one that was made of the other.

    `derived` is 0 if the first was made of the second, 1 if the second of the first, None if it
    cannot be told.
    """

    verdict: Verdict
    changes: tuple[Verdict, ...] = ()
    derived: int | None = None
    laid: Laid | None = None
    likeness: Likeness | None = None

    @property
    def is_duplicate(self) -> bool:
        """True if the check has confirmed it."""
        return self.verdict not in SOFT


_FLAT = 5.0
"""Greys whose standard deviation is below this show nothing that could be compared."""

_HINT = 16
"""Bits in which hashes may differ for their turn to mean anything."""

_CERTAIN, _CERTAIN_CHANGED = 0.985, 0.02
_COVERED = 0.3
_SAME, _SAME_CHANGED = 0.97, 0.06
_REST, _REST_CHANGED, _PART_CHANGED = 0.97, 0.15, 0.06
_AGREED = 10
_WHOLE = 0.95
_TONED = 12.0


def is_flat(view: View) -> bool:
    """Whether the picture is as good as empty: a blank page, a lens cap."""
    return view.contrast < _FLAT


def judge(first: View, second: View, turn: Turn, distance: int) -> Judged | None:
    """Lay the second upon the first in every way that makes sense; None if they have nothing in
    common. `turn` is the one in which their hashes are nearest, at this distance.
    """
    if is_flat(first) or is_flat(second):
        return None
    whole = laid_whole(first, second, turn)
    if distance <= _HINT:
        found = likeness(first, second, whole)
        if found.correlation >= _CERTAIN and found.changed <= _CERTAIN_CHANGED:
            return _judged(first, second, whole, found)
    nearest: Judged | None = None
    for mirrored in (False, True):
        laid = laid_by_keypoints(first, second, mirrored=mirrored)
        if laid is None:
            continue
        alike = likeness(first, second, laid)
        if _is_confirmed(first, second, laid, alike):
            return _judged(first, second, laid, alike)
        if _is_same_scene(laid) and (nearest is None or laid.inliers > _inliers(nearest)):
            nearest = Judged(Verdict.SAME_SCENE, (), None, laid, alike)
    if distance <= _HINT and found.correlation >= _SAME and found.changed <= _SAME_CHANGED:
        return _judged(first, second, whole, found)  # too smooth for keypoints
    return nearest


def _is_confirmed(first: View, second: View, laid: Laid, found: Likeness) -> bool:
    """Whether one comes out as the other, but for what was written over it."""
    if laid.inliers < _AGREED or max(found.first_covered, found.second_covered) < _COVERED:
        return False
    same = found.correlation >= _SAME and found.changed <= _SAME_CHANGED
    if same or found.rest < _REST or found.changed > _REST_CHANGED:
        return same
    # In a burst the frame moves a little and so does what is in it; writing leaves the frame.
    changes, _ = _covering(first, second, laid, found)
    moved = is_askew(laid) or Verdict.CROPPED in changes
    return not moved or found.changed <= _PART_CHANGED


def _is_same_scene(laid: Laid) -> bool:
    return laid.inliers >= 15 and laid.inliers >= 0.4 * laid.matches


def _inliers(judged: Judged) -> int:
    return 0 if judged.laid is None else judged.laid.inliers


def _judged(first: View, second: View, laid: Laid, found: Likeness) -> Judged:
    """The verdict on a confirmed pair."""
    changes, derived = _covering(first, second, laid, found)
    # turned by a few degrees, its empty corners would count as written over
    if not changes and not is_askew(laid) and _is_overlaid(found):
        changes.append(Verdict.OVERLAID)
    if abs(laid.rotation) > 2:
        changes.append(Verdict.ROTATED)
    if laid.mirrored:
        changes.append(Verdict.MIRRORED)
    if _is_recoloured(first, second, found):
        changes.append(Verdict.RECOLOURED)
        derived = _paler(first, second) if derived is None else derived
    if not changes:
        changes.append(Verdict.REENCODED if first.size == second.size else Verdict.RESIZED)
    if derived is None and first.pixels != second.pixels:
        derived = 0 if first.pixels < second.pixels else 1
    order = list(Verdict)
    changes.sort(key=order.index)
    return Judged(changes[0], tuple(changes), derived, laid, found)


def _covering(
    first: View, second: View, laid: Laid, found: Likeness
) -> tuple[list[Verdict], int | None]:
    """What the parts that only one of them has say, and which was made of the other."""
    ours, theirs = found.first_covered, found.second_covered
    # turned by a few degrees without growing, a picture loses its corners
    whole = 0.85 if is_askew(laid) else _WHOLE
    if min(ours, theirs) >= whole:
        return [], None
    if max(ours, theirs) < whole:
        return [Verdict.CROPPED], None
    outer = 0 if theirs >= ours else 1
    around = (
        surroundings(first, second, laid)
        if outer == 0
        else surroundings(second, first, laid.inverse(first))
    )
    if around is Surroundings.PLAIN:
        return [Verdict.BORDERED], outer
    if around is Surroundings.OTHER:
        return [Verdict.SCREENSHOT], outer
    return [Verdict.CROPPED], 1 - outer


def is_askew(laid: Laid) -> bool:
    """Whether it is turned by anything else than quarters."""
    return 2 < abs(laid.rotation) % 90 < 88


def _is_overlaid(found: Likeness) -> bool:
    # where tones were changed, what was too light or too dark for them stands out as well
    if found.toned > _TONED:
        return found.changed > 0.015 and found.rest - found.correlation > 0.01
    return found.written > 0.008


def _is_recoloured(first: View, second: View, found: Likeness) -> bool:
    less, more = sorted((first.chroma, second.chroma))
    return found.toned > _TONED or (less < 3 and more > 8)


def _paler(first: View, second: View) -> int | None:
    if abs(first.chroma - second.chroma) < 3:
        return None
    return 0 if first.chroma < second.chroma else 1
