"""Draws a map: positions from vectors and their neighbour graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.maps.axes import Axes, discriminant, principal
from indexer.analysis.maps.frame import Positions, framed
from indexer.analysis.maps.labelled import labels
from indexer.analysis.maps.layout import laid_out
from indexer.analysis.maps.memberships import memberships
from indexer.analysis.maps.parameters import By, MapParameters
from indexer.analysis.neighbours import NeighbourGraph
from indexer.analysis.subject import Subject
from indexer.errors import InvalidInput

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

TSNE_LIMIT = 20_000
"""Above, t-SNE takes more than an hour of a processor where UMAP takes minutes."""

COMPONENTS = 6
_SIDE = 10.0
"""The longer side of where a layout starts, in units of its curve (as in umap-learn)."""
_REFINED = 100
"""Epochs that new points move on their own; more change little (see docs/benchmarks.md)."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Positions within -1…1, how they came about, and what else there is to each point.

    `by` differs from what was asked where so few assets allow nothing else; `note` says why.
    `unit`: how many units of the layout's curve one unit of the map is, 0 where it has none.
    """

    by: By
    positions: Positions
    columns: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    explained: tuple[float, ...] = ()
    unit: float = 0.0
    note: str | None = None


def draw(subject: Subject, parameters: MapParameters) -> Drawing:
    """A new map. Raises `InvalidInput` for missing labels, and for t-SNE of too many assets."""
    subject.progress.step("Drawing", 0, len(subject))
    return _DRAWN[parameters.by](subject, parameters)


def refined(
    subject: Subject, parameters: MapParameters, positions: Positions, new: NDArray[np.bool_],
    unit: float,
) -> Positions:  # fmt: skip
    """The positions, with the new points moved to where a layout would have them.

    The others stay where they are, to the last bit.
    """
    order = np.argsort(new, kind="stable")  # those that stay first
    fixed = len(new) - int(new.sum())
    weights = memberships(subject.graph(parameters.neighbours - 1))[order][:, order]
    start = positions[order] * np.float32(unit)
    told = _told(subject, "Placing new assets")
    curve = similarity_curve(parameters.min_dist)
    moved = laid_out(weights, start, curve, _REFINED, parameters.seed, told, fixed)
    result = positions.copy()
    result[order[fixed:]] = moved[fixed:] / np.float32(unit)
    return result


def _by_umap(subject: Subject, parameters: MapParameters) -> Drawing:
    if len(subject) <= parameters.neighbours:
        return _too_few(subject, f"more assets than neighbours ({parameters.neighbours})")
    weights = memberships(subject.graph(parameters.neighbours - 1))
    epochs = 500 if len(subject) <= 10_000 else 200  # as umap-learn
    start = _start(subject.vectors, _SIDE, parameters.seed)
    curve = similarity_curve(parameters.min_dist)
    told = _told(subject, "Drawing")
    positions = laid_out(weights, start, curve, epochs, parameters.seed, told)
    return Drawing("umap", framed(positions), unit=float(np.ptp(positions, axis=0).max()) / 2)


def _by_pca(subject: Subject, _: MapParameters) -> Drawing:
    return _along(principal(subject.vectors, COMPONENTS), "pca", "pc")


def _by_lda(subject: Subject, parameters: MapParameters) -> Drawing:
    if parameters.label is None:
        raise InvalidInput(
            "A map by lda needs `label`: the metadata field with the classes to tell apart."
        )
    of = labels(subject, parameters.label)
    axes = discriminant(subject.vectors, of, parameters.seed, parameters.label)
    return _along(axes, "lda", "ld")


def _by_tsne(subject: Subject, parameters: MapParameters) -> Drawing:
    n = len(subject)
    if n > TSNE_LIMIT:
        raise InvalidInput(
            f"t-SNE is for up to {TSNE_LIMIT:,} assets, and these are {n:,}: draw by umap, which "
            "shows the same at any size, or choose fewer with a filter.",
            limit=TSNE_LIMIT,
            assets=n,
        )
    wanted = int(3 * parameters.perplexity) + 1  # as many as scikit-learn weighs
    if n <= wanted:
        return _too_few(
            subject, f"more than {wanted} assets at perplexity {parameters.perplexity:g}"
        )
    from sklearn.manifold import TSNE

    start = _start(subject.vectors, 1e-3, parameters.seed)
    model = TSNE(
        perplexity=parameters.perplexity,
        metric="precomputed",
        init=start,
        random_state=parameters.seed,
    )
    return Drawing("tsne", framed(model.fit_transform(euclidean(subject.graph(wanted)))))


def euclidean(graph: NeighbourGraph) -> csr_matrix:
    """The graph of unit rows as t-SNE of scikit-learn takes it, which squares the distances itself:
    Euclidean ones, sqrt(2 - 2 cos), rising; each row its own nearest, at 0."""
    from scipy.sparse import csr_matrix

    n, k = graph.indices.shape
    indices = np.column_stack([np.arange(n, dtype=np.int32), graph.indices])
    lengths = np.sqrt(np.maximum(2 - 2 * graph.similarities, 0))
    distances = np.column_stack([np.zeros(n, np.float32), np.maximum.accumulate(lengths, axis=1)])
    starts = np.arange(0, indices.size + 1, k + 1)
    return csr_matrix((distances.ravel(), indices.ravel(), starts), shape=(n, n))


_DRAWN: Mapping[By, Callable[[Subject, MapParameters], Drawing]] = {
    "umap": _by_umap,
    "pca": _by_pca,
    "lda": _by_lda,
    "tsne": _by_tsne,
}


def similarity_curve(min_dist: float) -> tuple[float, float]:
    """The a and b with which 1 / (1 + a·d^2b) is nearest to 1 up to min_dist and exp(min_dist - d)
    beyond (McInnes, Healy & Melville 2018, section 3.2, with spread 1)."""
    from scipy.optimize import curve_fit

    distances = np.linspace(0, 3, 300)
    wanted = np.where(distances < min_dist, 1.0, np.exp(min_dist - distances))

    def curve(d: NDArray[np.float64], a: float, b: float) -> NDArray[np.float64]:
        result: NDArray[np.float64] = 1 / (1 + a * d ** (2 * b))
        return result

    a, b = curve_fit(curve, distances, wanted, p0=(1, 1))[0]
    return float(a), float(b)


def _start(vectors: NDArray[np.float32], side: float, seed: int) -> Positions:
    """Where a layout begins: the two principal axes, so that the whole is right from the start
    (Kobak & Linderman 2021), and a little chance, so that equal vectors part."""
    scores = principal(vectors, 2).scores
    if scores.shape[1] < 2:
        scores = np.pad(scores, ((0, 0), (0, 2 - scores.shape[1])))
    chance = np.random.default_rng(seed).normal(0, side * 1e-4, scores.shape)
    start: Positions = (framed(scores) * (side / 2) + chance).astype(np.float32)
    return start


def _along(axes: Axes, by: By, prefix: str) -> Drawing:
    """The first two axes as the map; all of them as columns in the map's units."""
    scores = axes.scores
    if scores.shape[1] < 2:
        scores = np.pad(scores, ((0, 0), (0, 2 - scores.shape[1])))
    positions = framed(scores[:, :2])
    half = max(float(np.ptp(scores[:, :2], axis=0).max()) / 2, 1e-12)
    columns = {
        f"{prefix}{number}": (axis / half).astype(np.float32)
        for number, axis in enumerate(scores.T, start=1)
    }
    return Drawing(by, positions, columns, axes.explained)


def _too_few(subject: Subject, needed: str) -> Drawing:
    plain = _by_pca(subject, MapParameters())
    note = f"Drawn by pca: this map needs {needed}, and here are {len(subject):,}."
    return Drawing("pca", plain.positions, plain.columns, plain.explained, note=note)


def _told(subject: Subject, what: str) -> Callable[[int, int], None]:
    return lambda done, total: subject.progress.step(what, done, total)
