"""How one picture lies upon another, and how much alike they are where they cover each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.duplicates.hashes import Turn
from indexer.analysis.duplicates.views import View

Matrix = NDArray[np.float64]
"""Shape (2, 3): leads from a place (x, y) in the second view to one in the first."""

_RATIO = 0.85
_FEWEST = 6
_TOLERANCE = 3.0
Measured = tuple[float, float, float, float]
_NOTHING: Measured = (0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Laid:
    """The second view laid upon the first: mirrored or not, then by an affine map.

    `inliers`: keypoints that agree with it, of `matches`; both 0 where the whole pictures were
    laid upon each other without looking for keypoints. `width` is the second view's, in pixels.
    """

    matrix: Matrix
    mirrored: bool
    width: int
    inliers: int = 0
    matches: int = 0

    def inverse(self, first: View) -> Laid:
        """The first, of this view, laid upon the second."""
        whole = np.linalg.inv(np.vstack([self.matrix, [0, 0, 1]]))
        if self.mirrored:
            # mirroring the second before is mirroring the first after
            width = self.width
            flip = np.array([[-1.0, 0, width - 1], [0, 1, 0], [0, 0, 1]])
            back = np.array([[-1.0, 0, first.grey.shape[1] - 1], [0, 1, 0], [0, 0, 1]])
            whole = flip @ whole @ back
        return Laid(whole[:2], self.mirrored, first.grey.shape[1], self.inliers, self.matches)

    @property
    def rotation(self) -> float:
        """Degrees by which the second is turned to the left, -180 to 180."""
        return float(np.degrees(np.arctan2(self.matrix[0, 1], self.matrix[0, 0])))

    @property
    def scale(self) -> float:
        """Length in the first of what has length 1 in the second."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))


@dataclass(frozen=True, slots=True)
class Likeness:
    """Two views where they cover each other, after the tones of one were fitted to the other's.

    `first_covered`, `second_covered`: shares of each picture. `correlation`: 1 if one follows from
    the other pixel by pixel. `changed`: the share of what is covered that differs plainly;
    `rest`: the correlation of all but that. `written`: the share that stands out from what is
    otherwise nearly equal, as writing does. `toned`: by how many greys, of 255, their tones were
    apart.
    """

    first_covered: float
    second_covered: float
    correlation: float
    changed: float
    rest: float
    written: float
    toned: float


def laid_whole(first: View, second: View, turn: Turn) -> Laid:
    """The second view, turned, stretched over the whole of the first."""
    height, width = second.grey.shape
    matrix = np.array([[1.0, 0, 0], [0, 1, 0]])
    for _ in range(turn.quarters):  # the pixel at (x, y) comes to (y, width - 1 - x)
        matrix = np.array([[0, 1.0, 0], [-1, 0, width - 1]]) @ np.vstack([matrix, [0, 0, 1]])
        height, width = width, height
    sides = np.array([first.grey.shape[1] / width, first.grey.shape[0] / height])
    # pixels are squares: it is their outer edges that come to lie upon each other
    matrix = np.diag(sides) @ matrix
    matrix[:, 2] += (sides - 1) / 2
    return Laid(matrix, turn.mirrored, second.grey.shape[1])


def laid_by_keypoints(first: View, second: View, *, mirrored: bool) -> Laid | None:
    """The affine map on which most keypoints agree (RANSAC, Fischler and Bolles 1981), if any."""
    import cv2

    ours = first.keypoints
    theirs = second.mirrored_keypoints if mirrored else second.keypoints
    if min(len(ours.places), len(theirs.places)) < _FEWEST:
        return None
    pairs = _matches(theirs.descriptors, ours.descriptors)
    if len(pairs) < _FEWEST:
        return None
    cv2.setRNGSeed(0)
    estimated, agreed = cv2.estimateAffine2D(
        theirs.places[pairs[:, 0]],
        ours.places[pairs[:, 1]],
        ransacReprojThreshold=_TOLERANCE,
        maxIters=1000,
        confidence=0.995,
    )
    matrix = np.asarray(estimated, np.float64)
    if matrix.shape != (2, 3) or int(agreed.sum()) < _FEWEST or not _is_plausible(matrix):
        return None  # OpenCV gives nothing at all where no three points agree
    return Laid(matrix, mirrored, second.grey.shape[1], int(agreed.sum()), len(pairs))


def likeness(first: View, second: View, laid: Laid) -> Likeness:
    """Lay the second upon the first and look at what is covered by both."""
    import cv2

    seen = second.mirrored if laid.mirrored else second.grey
    height, width = first.grey.shape
    # what is much larger in the first than in the second is as coarse as in the second
    blur = max(1.2, 0.7 * laid.scale)
    ours = cv2.GaussianBlur(first.grey, (0, 0), blur).astype(np.float32)
    softened = cv2.GaussianBlur(seen, (0, 0), max(0.4, 1.2 / max(laid.scale, 0.2)))
    theirs = cv2.warpAffine(softened, laid.matrix, (width, height)).astype(np.float32)
    covered = cv2.warpAffine(np.full_like(seen, 255), laid.matrix, (width, height)) > 250
    area = abs(np.linalg.det(laid.matrix[:, :2])) * seen.size
    both = float(covered.sum())
    first_covered, second_covered = both / covered.size, min(1.0, both / max(area, 1.0))
    # at the edge of what is covered one pixel too many or too few would count as a change
    inner = cv2.erode(covered.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if inner.sum() < 400:
        return Likeness(first_covered, second_covered, *_NOTHING, 0.0)
    toned = _toned(ours[inner], theirs[inner])
    return Likeness(first_covered, second_covered, *_alike(ours[inner], theirs[inner]), toned)


def _alike(first: NDArray[np.float32], second: NDArray[np.float32]) -> Measured:
    """Correlation, share changed, correlation of the rest, share written over; see `Likeness`."""
    if first.std() < second.std():  # what has lost tones follows from what has them all
        first, second = second, first
    best: Measured = _NOTHING
    for known, told in ((first, second), (second, first)):
        spread = float(told.std())
        if spread < 3:
            continue
        error = np.abs(told - _by_tone(known, told))
        plainly = error > max(12.0, 0.35 * spread)
        rest = ~plainly
        kept = float(told[rest].std()) if rest.sum() > 50 else 0.0
        # the empty paper of two letters is alike: what is left must show most of what there is
        tells = kept >= max(3.0, 0.6 * spread)
        left = 1 - float((error[rest] ** 2).mean()) / kept**2 if tells else 0.0
        # compression and scaling err everywhere a little, writing here and there a lot
        written = error > max(12.0, 6 * float(np.median(error)))
        whole = 1 - float((error**2).mean()) / spread**2
        best = max(best, (whole, float(plainly.mean()), left, float(written.mean())))
    return best


def _toned(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    quarters = (25, 50, 75)
    return float(np.abs(np.percentile(first, quarters) - np.percentile(second, quarters)).max())


def _by_tone(known: NDArray[np.float32], told: NDArray[np.float32]) -> NDArray[np.float32]:
    """What `known` says of `told` through a curve of tones: the mean in each of 32 bins."""
    bins = np.clip(known / 8, 0, 31).astype(np.int64)
    counts = np.bincount(bins, minlength=32)
    sums = np.bincount(bins, told, minlength=32)
    there = counts > 0
    centres = np.bincount(bins, known, minlength=32)[there] / counts[there]
    curve = np.interp(known, centres, sums[there] / counts[there])
    return curve.astype(np.float32)


def _matches(theirs: NDArray[np.float32], ours: NDArray[np.float32]) -> NDArray[np.int64]:
    """Rows of both that are each other's nearest, plainly nearer than the second nearest."""
    cosines = theirs @ ours.T  # rows have length 1: roots of what sums up to 1
    best = cosines.argmax(axis=1)
    rows = np.arange(len(theirs))
    top = cosines[rows, best]
    rivals = cosines.copy()
    rivals[rows, best] = -1
    second = rivals.max(axis=1)
    near, far = np.sqrt(np.maximum(2 - 2 * top, 0)), np.sqrt(np.maximum(2 - 2 * second, 1e-9))
    mutual = cosines.argmax(axis=0)[best] == rows
    keep = mutual & (near < _RATIO * far)
    return np.stack([rows[keep], best[keep]], axis=1)


def _is_plausible(matrix: Matrix) -> bool:
    """Whether the map does what copying does: it neither shears much nor turns inside out."""
    inner = matrix[:, :2]
    if not np.isfinite(matrix).all() or np.linalg.det(inner) <= 0:
        return False
    large, small = np.linalg.svd(inner, compute_uv=False)
    return bool(small > 0.1 and large < 10 and large / small < 2)
