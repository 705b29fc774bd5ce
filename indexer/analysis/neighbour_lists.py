"""The most similar assets of each asset, as a list: the neighbour graph for other programs."""

from __future__ import annotations

from pydantic import Field

from indexer.analysis.method import Method, Outcome, Parameters
from indexer.analysis.subject import Subject

_ROWS_AT_ONCE = 10_000


class NeighbourParameters(Parameters):
    """How many neighbours each asset is given."""

    k: int = Field(10, ge=1, le=200, description="Neighbours of each asset.")


def run(subject: Subject, parameters: NeighbourParameters) -> Outcome:
    """Table `neighbours`: `id`, `neighbour_ids` nearest first, `similarities` (cosines).

    Where there are fewer than k other assets, the lists are shorter.
    """
    import pyarrow as pa

    graph = subject.graph(parameters.k)
    ids, near, similar = list(subject.ids), [], []
    for row, (indices, similarities) in enumerate(
        zip(graph.indices, graph.similarities, strict=True)
    ):
        if row % _ROWS_AT_ONCE == 0:
            subject.progress.step("Writing neighbours", row, len(ids))
        there = indices >= 0
        near.append([ids[other] for other in indices[there]])
        similar.append(similarities[there].tolist())
    columns = {
        "id": pa.array(ids, pa.string()),
        "neighbour_ids": pa.array(near, pa.list_(pa.string())),
        "similarities": pa.array(similar, pa.list_(pa.float32())),
    }
    summary = {"k": graph.k, "recall": graph.recall}
    return Outcome(summary, {"neighbours": pa.table(columns)})


METHOD = Method(
    name="neighbours",
    promise="The most similar assets of each asset, with their cosines.",
    parameters=NeighbourParameters,
    run=run,
)
