"""The labels that a kept analysis found, to be saved as metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

from indexer.analysis import artefacts
from indexer.analysis.entry import Analysis
from indexer.blob_store import BlobStore
from indexer.domain import AssetId
from indexer.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    import pyarrow as pa

_LABELLED = {
    "classification": "label",
    "propagation": "label",
    "probe": "label",
    "label_errors": "suggested",
}
"""By analysis the column of its table `assets` that has the labels."""


def found_labels(blobs: BlobStore, analysis: Analysis, at_least: float = 0.0) -> dict[AssetId, str]:
    """The label of each asset that has one with a score of `at_least`.

    Of `label_errors` those of the candidates; of `probe` those of assets that had none. Raises
    `InvalidInput` for an analysis that gives no labels, `Conflict` for one that has not ended well,
    and what `artefacts.load` raises.
    """
    name = analysis.request.name
    if name not in _LABELLED:
        raise InvalidInput(
            f"Analysis {analysis.id} is of {name!r}, which gives no labels to save; these do: "
            f"{', '.join(_LABELLED)}.",
            analysis=analysis.id,
        )
    if not analysis.tables:
        raise Conflict(
            f"Analysis {analysis.id} has no result ({analysis.state}); save its labels when it is "
            "done, or run it again.",
            analysis=analysis.id,
        )
    table = _meant(artefacts.load(blobs, analysis, "assets"), name)
    columns = (table.column(column).to_pylist() for column in ("id", _LABELLED[name], "score"))
    return {
        id: label
        for id, label, score in zip(*columns, strict=True)
        if label is not None and score >= at_least
    }


def _meant(table: pa.Table, name: str) -> pa.Table:
    """The rows whose label is news."""
    if name == "label_errors":
        return table.filter(table.column("candidate"))
    return table.filter(table.column("given").is_null()) if name == "probe" else table
