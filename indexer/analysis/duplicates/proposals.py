"""What a run proposes as of now: its open pairs, what it would let go, its spare copies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from indexer.analysis import artefacts
from indexer.analysis.duplicates.decisions import on_pairs
from indexer.analysis.duplicates.plans import Suggestion
from indexer.analysis.entry import Analysis
from indexer.analysis.subject import Access
from indexer.domain import AssetId
from indexer.errors import InvalidInput

if TYPE_CHECKING:
    import pyarrow as pa

_NAME = "duplicates"


@dataclass(frozen=True, slots=True)
class Open:
    """Rows of the table `pairs` that nobody has decided on, and how many are decided."""

    rows: pa.Table
    decided: int


def open_pairs(access: Access, analysis: Analysis, *, soft: bool = True) -> Open:
    """What is left to be decided, with decisions made since the run taken into account.

    Without `soft` only duplicates; else also what merely resembles each other.
    """
    import pyarrow.compute as pc

    table = _table(access, analysis, "pairs")
    ids = table["pair"].to_pylist()
    decided = on_pairs(access.store, analysis.collection, ids)
    rows = table.filter([id not in decided for id in ids]) if ids else table
    if not soft:
        rows = rows.filter(pc.field("duplicate"))
    return Open(rows, len(decided))


def suggestions(access: Access, analysis: Analysis) -> list[Suggestion]:
    """Each member of each group, and the one that is kept for it."""
    return [
        Suggestion(member, group["id"], verdict)
        for group in _table(access, analysis, "groups").to_pylist()
        for member, verdict in zip(group["member_ids"], group["verdicts"], strict=True)
    ]


def spare_copies(access: Access, analysis: Analysis) -> list[AssetId]:
    """Assets that were found in several places."""
    found: list[AssetId] = _table(access, analysis, "exact")["id"].to_pylist()
    return found


def _table(access: Access, analysis: Analysis, name: str) -> pa.Table:
    if analysis.request.name != _NAME:
        raise InvalidInput(
            f"Analysis {analysis.id} is one of {analysis.request.name!r}; name a run of "
            f"{_NAME!r}: `semblance analyses list` has them.",
            analysis=analysis.id,
        )
    return artefacts.load(access.blobs, analysis, name)
