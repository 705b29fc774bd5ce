"""Clusters as tables, and read back.

clusters    cluster, name, terms, named_by, size, share, cohesion, representative_ids, parent
members     id, cluster (-1: none), similarity (to the centre), probability
centres     cluster, reach, vector
hierarchy   node, parent, children, clusters, groups, similarity, size, name
choices     k, modularity, chosen
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.clusters.choosing import Choice
from indexer.analysis.clusters.hierarchy import tree
from indexer.analysis.clusters.kmeans import Vectors
from indexer.domain import AssetId

if TYPE_CHECKING:
    import pyarrow as pa

NONE = -1
"""The number that stands for no cluster."""

_HIGHEST = b"highest_number"
"""The key of the table `clusters`' metadata that has the highest number ever given."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A row of the table `clusters`; its `parent` in the tree is found when it is written."""

    cluster: int
    name: str
    terms: Sequence[str]
    named_by: str
    size: int
    cohesion: float
    representative_ids: Sequence[AssetId]


@dataclass(frozen=True, slots=True)
class Members:
    """The table `members` in columns; probabilities are NaN where the method knows none."""

    ids: Sequence[AssetId]
    clusters: NDArray[np.int32]
    similarities: NDArray[np.float32]
    probabilities: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Centres:
    """The table `centres` in columns: numbers, (k,) reaches, and unit vectors (k, dimension)."""

    clusters: Sequence[int]
    reach: NDArray[np.float32]
    vectors: Vectors


def clusters_tables(
    clusters: Sequence[Cluster], members: Members, centres: Centres, highest: int = 0
) -> dict[str, pa.Table]:
    """All tables but `choices`: clusters largest first, members nearest to their centre first.

    `highest`: the highest number that a cluster had before; what is higher now is added.
    """
    nodes = hierarchy_table(clusters, centres)
    parents = dict(zip(nodes["node"].to_pylist(), nodes["parent"].to_pylist(), strict=True))
    highest = max(highest, *(one.cluster for one in clusters), 0)
    table = _clusters_table(clusters, parents, len(members.ids))
    return {
        "clusters": table.replace_schema_metadata({_HIGHEST: str(highest)}),
        "members": members_table(members),
        "hierarchy": nodes,
        "centres": _centres_table(centres),
    }


def _clusters_table(
    clusters: Sequence[Cluster], parents: Mapping[int, int | None], total: int
) -> pa.Table:
    import pyarrow as pa

    rows = [
        {
            **asdict(one),
            "terms": list(one.terms),
            "representative_ids": list(one.representative_ids),
            "share": one.size / total,
            "parent": parents[one.cluster],
        }
        for one in sorted(clusters, key=lambda one: (-one.size, one.cluster))
    ]
    schema = pa.schema(
        [
            ("cluster", pa.int32()),
            ("name", pa.string()),
            ("terms", pa.list_(pa.string())),
            ("named_by", pa.string()),
            ("size", pa.int64()),
            ("share", pa.float64()),
            ("cohesion", pa.float32()),
            ("representative_ids", pa.list_(pa.string())),
            ("parent", pa.int32()),
        ]
    )
    return pa.Table.from_pylist(rows, schema)


def members_table(members: Members) -> pa.Table:
    """Members of the first cluster, nearest to its centre first, and so on; those of none last."""
    import pyarrow as pa

    outside = members.clusters < 0
    order = np.lexsort((-members.similarities, members.clusters, outside))
    probabilities = members.probabilities[order]
    return pa.table(
        {
            "id": pa.array([members.ids[row] for row in order], pa.string()),
            "cluster": pa.array(members.clusters[order], pa.int32()),
            "similarity": _numbers(members.similarities[order]),
            "probability": _numbers(probabilities),
        }
    )


def hierarchy_table(clusters: Sequence[Cluster], centres: Centres) -> pa.Table:
    """The tree over the clusters; an inner node is called by the two largest under it."""
    import pyarrow as pa

    known = {one.cluster: one for one in clusters}
    rows = []
    for node in tree(centres.clusters, centres.vectors):
        under = sorted((known[one] for one in node.clusters), key=lambda one: -one.size)
        more = f" and {len(under) - 2} more" if len(under) > 2 else ""
        rows.append(
            {
                **asdict(node),
                "children": list(node.children),
                "clusters": list(node.clusters),
                "size": sum(one.size for one in under),
                "name": " | ".join(one.name for one in under[:2]) + more,
            }
        )
    numbers = pa.list_(pa.int32())
    schema = pa.schema(
        [
            ("node", pa.int32()),
            ("parent", pa.int32()),
            ("children", numbers),
            ("clusters", numbers),
            ("groups", pa.int32()),
            ("similarity", pa.float32()),
            ("size", pa.int64()),
            ("name", pa.string()),
        ]
    )
    return pa.Table.from_pylist(rows, schema)


def choices_table(tried: Sequence[Choice], chosen: int | None) -> pa.Table:
    """Each k that was tried; none where k was given or does not matter."""
    import pyarrow as pa

    rows = [{**asdict(choice), "chosen": choice.k == chosen} for choice in tried]
    schema = [("k", pa.int32()), ("modularity", pa.float64()), ("chosen", pa.bool_())]
    return pa.Table.from_pylist(rows, pa.schema(schema))


def clusters_in(table: pa.Table) -> list[Cluster]:
    """The rows of a table `clusters`."""
    fields = Cluster.__dataclass_fields__
    return [Cluster(**{key: row[key] for key in fields}) for row in table.to_pylist()]


def highest_in(table: pa.Table) -> int:
    """The highest number that a cluster of a table `clusters`, or of one before it, has had."""
    noted = int((table.schema.metadata or {}).get(_HIGHEST, 0))
    return max(noted, *(int(number) for number in table["cluster"].to_pylist()), 0)


def members_in(table: pa.Table) -> Members:
    """The columns of a table `members`."""
    return Members(
        table["id"].to_pylist(),
        _array(table["cluster"], np.int32),
        _array(table["similarity"], np.float32),
        _array(table["probability"], np.float32),
    )


def centres_in(table: pa.Table) -> Centres:
    """The columns of a table `centres`."""
    numbers = [int(number) for number in table["cluster"].to_pylist()]
    flat = _array(table["vector"].combine_chunks().flatten(), np.float32)
    vectors = flat.reshape(len(numbers), table["vector"].type.list_size)
    return Centres(numbers, _array(table["reach"], np.float32), vectors)


def _centres_table(centres: Centres) -> pa.Table:
    import pyarrow as pa

    vectors = np.ascontiguousarray(centres.vectors, np.float32)
    flat = pa.array(vectors.ravel(), pa.float32())
    return pa.table(
        {
            "cluster": pa.array(centres.clusters, pa.int32()),
            "reach": pa.array(centres.reach, pa.float32()),
            "vector": pa.FixedSizeListArray.from_arrays(flat, max(vectors.shape[1], 1)),
        }
    )


def _numbers(values: NDArray[np.float32]) -> Any:
    import pyarrow as pa

    return pa.array(values, pa.float32(), mask=np.isnan(values))


def _array(column: Any, type: type[Any]) -> NDArray[Any]:
    """Numbers that may be written into; null becomes NaN."""
    return np.array(column.to_numpy(zero_copy_only=False), type)
