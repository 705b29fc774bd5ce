"""A neighbour graph as a table, to be kept in a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from indexer.analysis.neighbours.graph import NeighbourGraph
from indexer.domain import AssetId

if TYPE_CHECKING:
    import pyarrow as pa

_RECALL = b"recall"


def to_table(graph: NeighbourGraph, ids: Sequence[AssetId]) -> pa.Table:
    """The graph as a table: `id`, `neighbours` (row numbers) and `similarities` of each row.

    The two are lists of k values each, int32 and float32; the recall is in the metadata.
    """
    import pyarrow as pa

    columns = {
        "id": pa.array(ids, pa.string()),
        "neighbours": _lists(graph.indices, pa.int32()),
        "similarities": _lists(graph.similarities, pa.float32()),
    }
    metadata = {_RECALL: str(graph.recall).encode()}
    return pa.table(columns).replace_schema_metadata(metadata)


def from_table(table: pa.Table) -> tuple[list[AssetId], NeighbourGraph]:
    """The ids of the rows, and the graph that `to_table` wrote."""
    k = table.schema.field("neighbours").type.list_size

    def rows(column: str) -> NDArray[Any]:
        flat = table.column(column).combine_chunks().flatten().to_numpy()
        matrix: NDArray[Any] = flat.reshape(table.num_rows, k)
        return matrix

    recall = float(table.schema.metadata[_RECALL])
    ids: list[AssetId] = table.column("id").to_pylist()
    return ids, NeighbourGraph(rows("neighbours"), rows("similarities"), recall)


def _lists(matrix: NDArray[Any], type: pa.DataType) -> pa.Array:
    import pyarrow as pa

    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel(), type), matrix.shape[1])
