"""The most similar assets of each asset, as a list: the neighbour graph for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from indexer.analysis.method import Method, Outcome, Parameters
from indexer.analysis.subject import Subject

if TYPE_CHECKING:
    import pyarrow as pa


class NeighbourParameters(Parameters):
    """How many neighbours each asset is given."""

    k: int = Field(10, ge=1, le=200, description="Neighbours of each asset.")


def run(subject: Subject, parameters: NeighbourParameters) -> Outcome:
    """Table `neighbours`: `id`, `neighbour_ids` nearest first, `similarities` (cosines).

    Where there are fewer than k other assets, the lists are shorter.
    """
    import pyarrow as pa

    graph = subject.graph(parameters.k)
    subject.progress.step("Writing neighbours")
    ids = pa.array(subject.ids, pa.string())
    there = graph.indices >= 0
    ends = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    columns = {
        "id": ids,
        "neighbour_ids": _lists(ends, ids.cast(pa.large_string()).take(graph.indices[there])),
        "similarities": _lists(ends, pa.array(graph.similarities[there], pa.float32())),
    }
    summary = {"k": graph.k, "recall": graph.recall}
    return Outcome(summary, {"neighbours": pa.table(columns)})


def _lists(ends: NDArray[np.int64], values: pa.Array) -> pa.Array:
    """One list a row; values of all rows one after the other, and where each row's begin."""
    import pyarrow as pa

    return pa.LargeListArray.from_arrays(pa.array(ends, pa.int64()), values)


METHOD = Method(
    name="neighbours",
    promise="The most similar assets of each asset, with their cosines.",
    parameters=NeighbourParameters,
    run=run,
)
