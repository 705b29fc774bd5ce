"""The analysis `map`: draws or keeps, measures, and writes the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.maps.drawing import Drawing, draw
from indexer.analysis.maps.keeping import Former, aligned, former, kept, made
from indexer.analysis.maps.parameters import MapParameters
from indexer.analysis.maps.tiles import POINTS, levels, order
from indexer.analysis.maps.trust import trustworthiness
from indexer.analysis.method import Method, Outcome
from indexer.analysis.subject import Subject

if TYPE_CHECKING:
    import pyarrow as pa


def drawn_or_kept(subject: Subject, parameters: MapParameters) -> tuple[Drawing, Former | None]:
    """The map of a Subject; with the former one where that was kept, not drawn anew."""
    was = former(subject, parameters)
    if was is not None:
        drawing = kept(subject, parameters, was)
        if drawing is not None:
            return drawing, was
    return aligned(draw(subject, parameters), was), None


def run(subject: Subject, parameters: MapParameters) -> Outcome:
    """Table `map`: id, kind, x, y, placed, level, and what the way of drawing adds.

    The most representative come first; `level` is that of the tile that an asset is in.
    """
    drawing, was = drawn_or_kept(subject, parameters)
    drawn = np.ones(len(subject), bool) if was is None else was.drawn
    trust = trustworthiness(
        subject.vectors, drawing.positions, parameters.neighbours, parameters.seed, subject.progress
    )
    level = levels(drawing.positions, _representative(subject, drawing, parameters))
    summary: dict[str, object] = {
        "by": drawing.by,
        "assets": len(subject),
        "drawn": "anew" if was is None else "kept",
        "placed": int((~drawn).sum()),
        "seed": parameters.seed,
        "extent": _extent(drawing.positions),
        "trustworthiness": None if trust is None else round(trust.value, 4),
        "trustworthiness_sample": None if trust is None else trust.sample,
        "deepest_level": int(level.max(initial=0)),
        "points_per_tile": POINTS,
    }
    if drawing.explained:
        summary["explained"] = [round(share, 4) for share in drawing.explained]
    if drawing.note:
        summary["note"] = drawing.note
    meant = int(drawn.sum()) if was is None else int(str(was.made["drawn"]))
    table = _table(subject, drawing, drawn, level)
    return Outcome(
        summary, {"map": table.replace_schema_metadata(made(parameters, drawing, meant))}
    )


def _table(
    subject: Subject, drawing: Drawing, drawn: NDArray[np.bool_], level: NDArray[np.int8]
) -> pa.Table:
    import pyarrow as pa

    kind = subject.kind
    kinds = (
        [payload.get("kind") for payload in subject.payloads("kind")]
        if kind is None
        else [kind.value] * len(subject)
    )
    columns = {
        "id": pa.array(list(subject.ids), pa.string()),
        "kind": pa.array(kinds, pa.string()).dictionary_encode(),
        "x": pa.array(drawing.positions[:, 0]),
        "y": pa.array(drawing.positions[:, 1]),
        "placed": pa.array(~drawn),
        "level": pa.array(level),
        **{name: pa.array(values) for name, values in drawing.columns.items()},
    }
    return pa.table(columns).take(order(drawing.positions, level))


def _representative(
    subject: Subject, drawing: Drawing, parameters: MapParameters
) -> NDArray[np.float32]:
    """How many have an asset among their nearest; for straight axes, which need no graph, chance.

    A little chance parts equals, so that no corner of the ledger's order comes first.
    """
    weight = np.random.default_rng(parameters.seed).random(len(subject), np.float32)
    if not drawing.columns:
        near = subject.graph(parameters.neighbours - 1).indices
        weight += np.bincount(near[near >= 0], minlength=len(subject)).astype(np.float32)
    return weight


def _extent(positions: NDArray[np.float32]) -> list[float]:
    """Left, bottom, right, top."""
    low, high = positions.min(axis=0), positions.max(axis=0)
    return [round(float(edge), 4) for edge in (*low, *high)]


METHOD = Method(
    name="map",
    promise="A map on which similar assets lie together: umap, pca, lda or tsne.",
    parameters=MapParameters,
    run=run,
    least=1,
    mixes_kinds=True,
)
