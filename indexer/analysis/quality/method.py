"""Quality as an analysis: each asset with its issues, the worst first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from indexer.analysis.method import Method, Outcome, Parameters
from indexer.analysis.quality.issues import ISSUES, Issue, Values, scores_of
from indexer.analysis.quality.measuring import Measures, measured, table_of
from indexer.analysis.subject import Subject

if TYPE_CHECKING:
    import pyarrow as pa

DEFAULT_THRESHOLD = 0.5
UNREADABLE = "unreadable"


class QualityParameters(Parameters):
    """From which score on an issue is flagged."""

    thresholds: Mapping[Issue, Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict,
        description="By issue the score above which it is flagged, 0.5 where none is given; 1 "
        "never flags it.",
    )

    def threshold(self, issue: Issue) -> float:
        return self.thresholds.get(issue, DEFAULT_THRESHOLD)


def run(subject: Subject, parameters: QualityParameters) -> Outcome:
    """Tables `quality`, the worst first, and `measures`, from which the next run goes on.

    `quality`: `id`; `issues`, those that are flagged, the worst first; `worst`, the first of them;
    `score`, the highest of all, 0 fine to 1; one column an issue with its score, none where it does
    not apply; `reason` why an asset cannot be read, which is its only issue, `unreadable`.
    """
    found, new = measured(subject)
    subject.progress.step("Comparing")
    scores = scores_of(found.columns(), found.scripts)
    matrix = np.stack([scores[issue] for issue in ISSUES], axis=1)
    limits = np.array([parameters.threshold(issue) for issue in ISSUES])
    flagged = np.nan_to_num(matrix) > limits
    table = _table(subject, matrix, flagged, found)
    counts = {issue: int(flagged[:, place].sum()) for place, issue in enumerate(ISSUES)}
    summary = {
        "issues": {issue: count for issue, count in counts.items() if count},
        "flagged": int(flagged.any(axis=1).sum()) + len(found.reasons),
        UNREADABLE: len(found.reasons),
        "measured": new,
        "taken_over": len(subject) - new,
        "thresholds": {issue: parameters.threshold(issue) for issue in ISSUES},
    }
    return Outcome(summary, {"quality": table, "measures": table_of(subject, found)})


def _table(
    subject: Subject, matrix: Values, flagged: NDArray[np.bool_], found: Measures
) -> pa.Table:
    import pyarrow as pa

    issues = [_named(scores, marks) for scores, marks in zip(matrix, flagged, strict=True)]
    score = np.nan_to_num(matrix).max(axis=1)
    for row in found.reasons:
        issues[row], score[row] = [UNREADABLE], 1.0
    # Whatever is flagged goes before what is not, by its worst issue.
    any_issue = np.array([bool(one) for one in issues])
    unreadable = np.array([row in found.reasons for row in range(len(issues))])
    order = np.lexsort((-score, ~any_issue, ~unreadable))
    columns: dict[str, Any] = {
        "id": pa.array(list(subject.ids), pa.string()),
        "issues": pa.array(issues, pa.list_(pa.string())),
        "worst": pa.array([one[0] if one else None for one in issues], pa.string()),
        "score": pa.array(score),
    }
    for place, issue in enumerate(ISSUES):
        columns[issue] = pa.array(matrix[:, place], pa.float64(), from_pandas=True)
    columns["reason"] = pa.array(
        [found.reasons.get(row) for row in range(len(issues))], pa.string()
    )
    return pa.table(columns).take(pa.array(order))


def _named(scores: Values, marks: NDArray[np.bool_]) -> list[str]:
    """The flagged issues of one row, the worst first."""
    places = np.flatnonzero(marks)
    return [ISSUES[place] for place in places[np.argsort(-scores[places], kind="stable")]]


METHOD = Method(
    name="quality",
    promise="Pictures that are blurred, dark, blank or odd, and texts that cannot be read.",
    parameters=QualityParameters,
    run=run,
    least=1,
    mixes_kinds=True,
)
