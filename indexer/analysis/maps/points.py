"""A map as a page wants it: points with colours as Arrow, and where the names of clusters go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from indexer.errors import InvalidInput

if TYPE_CHECKING:
    import pyarrow as pa

ARROW = "application/vnd.apache.arrow.stream"
"""The media type of what `stream` gives."""

_NAMED = 1000


def coloured(points: pa.Table, name: str, values: pa.Table, column: str) -> pa.Table:
    """The points with one more column: what another table (id, …) has for each; null if nothing."""
    import pyarrow.compute as pc

    rows = pc.index_in(points["id"], values["id"])
    return points.append_column(name, values[column].take(rows))


def labelled(points: pa.Table, name: str, values: Sequence[object]) -> pa.Table:
    """The points with one more column of these values, one a row, as few different texts."""
    import pyarrow as pa

    if all(value is None or isinstance(value, int | float) for value in values):
        return points.append_column(name, pa.array(values, pa.float64()))
    texts = [None if value is None else str(value) for value in values]
    return points.append_column(name, pa.array(texts).dictionary_encode())


def stream(points: pa.Table) -> bytes:
    """An Arrow IPC stream of the table, which a page reads without parsing."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, points.schema) as writer:
        writer.write_table(points.combine_chunks())
    content: bytes = sink.getvalue().to_pybytes()
    return content


def name_places(points: pa.Table, column: str) -> pa.Table:
    """Where to write the name of each group: columns group, x, y, size; the largest first.

    A group's place is the median of its points, which few strays do not move. Rows without a group
    (null), and noise (a negative number), have none; of very many groups the thousand largest are
    told. Raises `InvalidInput` for a column of measures or of lists, which has no groups.
    """
    import pyarrow as pa

    kind = points.schema.field(column).type
    if pa.types.is_floating(kind) or pa.types.is_nested(kind):
        raise InvalidInput(
            f"Column {column!r} ({kind}) has no groups to be named; choose one of texts or whole "
            "numbers, such as members.cluster.",
            column=column,
        )
    groups = points[column].to_pylist()
    xs, ys = points["x"].to_numpy(), points["y"].to_numpy()
    members: dict[object, list[int]] = {}
    for row, group in enumerate(groups):
        if group is not None and not (isinstance(group, int) and group < 0):
            members.setdefault(group, []).append(row)
    largest = sorted(members.items(), key=lambda item: (-len(item[1]), str(item[0])))[:_NAMED]
    return pa.table(
        {
            "group": [group for group, _ in largest],
            "x": np.array([np.median(xs[rows]) for _, rows in largest], np.float32),
            "y": np.array([np.median(ys[rows]) for _, rows in largest], np.float32),
            "size": np.array([len(rows) for _, rows in largest], np.int64),
        }
    )
