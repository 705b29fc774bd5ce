"""Outliers: which assets are unlike the others, or unlike those that carry the same label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from indexer.analysis.method import Method, Outcome
from indexer.analysis.neighbours import nearest_neighbours
from indexer.analysis.outliers.judging import Judged, OutlierParameters, judge, unjudged
from indexer.analysis.outliers.scores import Scores
from indexer.analysis.subject import Subject
from indexer.domain import Payload
from indexer.errors import InvalidInput

if TYPE_CHECKING:
    import pyarrow as pa

LEAST_OF_A_LABEL = 5
"""Assets of one label below which nobody can say what is usual among them."""

RULE = "more than 1.5 interquartile ranges above the upper quartile of the distances (Tukey 1977)"

_BARS = 40


def run(subject: Subject, parameters: OutlierParameters) -> Outcome:
    """Table `outliers`, the strangest first, and with `by_label` table `labels`.

    `outliers`: `id`; `score`, higher is stranger; `percentile`, how many in a hundred are less
    strange; `flagged`; `nearest_id` and `nearest_distance`, angular: arccos(cosine) / pi;
    `has_near_neighbour`; and `label` if asked for. An asset that nothing can be said of comes last,
    without a score. `labels`: `label`, `assets`, `flagged`, `threshold`. Raises `InvalidInput` if
    no label has enough assets.
    """
    if parameters.by_label is None:
        subject.progress.step("Comparing")
        graph = subject.graph(parameters.neighbours)
        judged = judge(subject.vectors, graph, parameters)
        summary: dict[str, object] = {
            "recall": graph.recall,
            "threshold": _number(judged.threshold),
        }
        tables = {"outliers": _table(subject, judged, parameters.near)}
    else:
        names = [_label(one, parameters.by_label) for one in subject.payloads("metadata")]
        judged, labels = _within_labels(subject, parameters, names)
        summary = {"by_label": parameters.by_label, "labels": labels.num_rows, "threshold": None}
        tables = {"outliers": _table(subject, judged, parameters.near, names), "labels": labels}
    return Outcome({**_summary(judged, parameters), **summary}, tables)


def _within_labels(
    subject: Subject, parameters: OutlierParameters, names: Sequence[str | None]
) -> tuple[Judged, pa.Table]:
    """Each row scored among those of its label, and what that came to by label."""
    import pyarrow as pa

    members: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        if name is not None:
            members.setdefault(name, []).append(row)
    large = {name: rows for name, rows in members.items() if len(rows) >= LEAST_OF_A_LABEL}
    if not large:
        raise InvalidInput(
            f"No value of the metadata field {parameters.by_label!r} is carried by "
            f"{LEAST_OF_A_LABEL} assets or more; `semblance assets` shows which fields there are.",
            field=parameters.by_label,
        )
    judged = unjudged(len(names))
    told = []
    for name, members_of in sorted(large.items(), key=lambda one: (-len(one[1]), one[0])):
        rows = np.asarray(members_of)
        vectors = subject.vectors[rows]
        graph = nearest_neighbours(
            vectors, min(parameters.neighbours, len(rows) - 1), subject.progress
        )
        one = judge(vectors, graph, parameters)
        judged.distance[rows], judged.score[rows] = one.distance, one.score
        judged.flagged[rows] = one.flagged
        judged.nearest[rows] = np.where(one.nearest >= 0, rows[one.nearest], -1)
        judged.cosine[rows] = one.cosine
        told.append((name, len(rows), int(one.flagged.sum()), _number(one.threshold)))
    fields = (("label", pa.string()), ("assets", pa.int64()), ("flagged", pa.int64()))
    schema = pa.schema([*fields, ("threshold", pa.float64())])
    columns = [list(column) for column in zip(*told, strict=True)]
    return judged, pa.table(columns, schema=schema)


def _label(payload: Payload, field: str) -> str | None:
    """The value that a metadata field has, keys joined by dots, as a label; several as one."""
    value: object = payload.get("metadata")
    for key in field.removeprefix("metadata.").split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    if isinstance(value, list):
        return ", ".join(sorted(str(one) for one in value)) or None
    return None if value is None or isinstance(value, Mapping) else str(value)


def _table(
    subject: Subject, judged: Judged, near: float, labels: Sequence[str | None] | None = None
) -> pa.Table:
    import pyarrow as pa

    order = np.argsort(-judged.distance, kind="stable")  # NaN comes last
    angular = np.arccos(np.clip(judged.cosine, -1, 1)) / np.pi
    ids = pa.array(list(subject.ids), pa.string())
    nearest = judged.nearest[order]
    columns = {
        "id": ids.take(pa.array(order)),
        "score": _column(judged.score[order]),
        "percentile": _column(_percentiles(judged.distance)[order]),
        "flagged": pa.array(judged.flagged[order]),
        "nearest_id": ids.take(pa.array(nearest, mask=nearest < 0)),
        "nearest_distance": _column(angular[order]),
        "has_near_neighbour": pa.array(angular[order] < near),
    }
    if labels is not None:
        columns["label"] = pa.array(list(labels), pa.string()).take(pa.array(order))
    return pa.table(columns)


def _percentiles(distance: Scores) -> Scores:
    """How many in a hundred of the scored rows are less far off; NaN for those without a score."""
    there = np.sort(distance[np.isfinite(distance)])
    below = 100 * np.searchsorted(there, distance, side="left") / max(len(there), 1)
    return np.where(np.isfinite(distance), below, np.nan)


def _column(values: Scores) -> pa.Array:
    import pyarrow as pa

    return pa.array(values, pa.float64(), from_pandas=True)  # NaN as none


def _summary(judged: Judged, parameters: OutlierParameters) -> dict[str, object]:
    scores = judged.score[np.isfinite(judged.score)]
    counts, edges = np.histogram(scores, bins=_BARS, range=_range(scores, parameters.by))
    angular = np.arccos(np.clip(judged.cosine, -1, 1)) / np.pi
    return {
        "by": parameters.by,
        "k": parameters.neighbours,
        "scored": len(scores),
        "not_scored": len(judged.score) - len(scores),
        "flagged": int(judged.flagged.sum()),
        "rule": RULE,
        "without_near_neighbour": int((angular >= parameters.near).sum()),
        "histogram": {"edges": edges.round(6).tolist(), "counts": counts.tolist()},
    }


def _range(scores: Scores, by: str) -> tuple[float, float]:
    if by != "lof" or not len(scores):
        return 0.0, 1.0
    low, high = float(scores.min()), float(scores.max())
    return low, max(high, low + 1e-6)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


METHOD = Method(
    name="outliers",
    promise="Which assets are unlike all others, the strangest first.",
    parameters=OutlierParameters,
    run=run,
    least=3,
)
