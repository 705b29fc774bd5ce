"""The analysis `comparison`: what changes from one Space to another over the same assets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from indexer.analysis.comparison.overlap import Overlap, overlap, remoteness
from indexer.analysis.comparison.separation import classes, knn_accuracy, separation
from indexer.analysis.comparison.structure import alignment, cluster_agreement, rank_agreement
from indexer.analysis.maps.frame import Positions, fit
from indexer.analysis.maps.labelled import labels
from indexer.analysis.maps.method import drawn_or_kept
from indexer.analysis.maps.parameters import MapParameters
from indexer.analysis.method import Method, Outcome, Parameters
from indexer.analysis.neighbours import NeighbourGraph
from indexer.analysis.subject import Subject
from indexer.errors import InvalidInput, TooFewAssets

if TYPE_CHECKING:
    import pyarrow as pa

REMOTE, USUAL = 0.95, 0.75
"""An outlier in one Space alone is among the most remote 5 % there, and not among the 25 % here."""


class ComparisonParameters(Parameters):
    other: str = Field(min_length=1, description="The space to compare with.")
    k: int = Field(10, ge=1, le=200, description="How many neighbours are compared.")
    label: str | None = Field(
        None,
        min_length=1,
        description="A metadata field with classes: how well does each space tell them apart?",
    )
    clusters: int | None = Field(
        None,
        ge=2,
        le=1000,
        description="How many groups are sought in each space; by default as many as there are "
        "classes, else 20.",
    )
    maps: Literal["umap", "pca"] = Field("umap", description="How both maps are drawn.")
    shown: int = Field(
        1000,
        ge=1,
        le=100_000,
        description="So many of the assets that disagree most get both neighbour lists.",
    )


def run(subject: Subject, parameters: ComparisonParameters) -> Outcome:
    """Tables: `disagreeing` (both neighbour lists), `outliers` (in one alone), `assets` (all)."""
    a, b = _pair(subject, parameters.other)
    k = min(parameters.k, len(a) - 1)
    graphs = a.graph(k), b.graph(k)
    shared = overlap(*graphs)
    remote = remoteness(graphs[0]), remoteness(graphs[1])
    summary: dict[str, object] = {
        "space": a.space.name,
        "other": b.space.name,
        "assets": len(a),
        "only_in_space": len(subject) - len(a),
        **_neighbours_told(shared, k),
    }
    summary |= _distances_told(a, b, parameters.seed)
    summary["labels"], groups = _labels_told(a, b, graphs, parameters)
    summary["clusters"] = _clusters_told(a, b, groups, parameters.seed)
    drawn = [_map(one, parameters) for one in (a, b)]
    laid = fit(drawn[1], drawn[0])
    summary["maps"] = {"by": parameters.maps, "residual": round(laid.residual, 4)}
    tables = {
        "disagreeing": _disagreeing(a.ids, graphs, shared, parameters.shown),
        "outliers": _outliers(a.ids, remote),
        "assets": _assets(a.ids, shared, remote, (drawn[0], laid.of(drawn[1]))),
    }
    summary["outliers"] = _outliers_told(tables["outliers"])
    return Outcome(summary, tables)


def _pair(subject: Subject, other: str) -> tuple[Subject, Subject]:
    if subject.collection.space(other).name == subject.space.name:
        raise InvalidInput(
            f"Space {other!r} is compared with itself; name another one as `other`.", other=other
        )
    a, b = subject.beside(other)
    if len(a) < 2:
        raise TooFewAssets(
            f"{len(a)} of these assets have a vector both in {subject.space.name!r} and in "
            f"{other!r}; a comparison needs two or more. `semblance spaces list` shows how far "
            "each is filled.",
            both=len(a),
        )
    return a, b


def _map(subject: Subject, parameters: ComparisonParameters) -> Positions:
    """The map that is there, if it covers these assets, else a new one."""
    chosen = MapParameters(by=parameters.maps, seed=parameters.seed)
    return drawn_or_kept(subject, chosen)[0].positions


def _neighbours_told(shared: Overlap, k: int) -> dict[str, object]:
    return {
        "k": k,
        "overlap": round(float(shared.share.mean()), 4),
        "overlap_median": round(float(np.median(shared.share)), 4),
        "overlap_chance": round(shared.chance, 6),
        "jaccard": round(float(shared.jaccard.mean()), 4),
        "nothing_shared": int((shared.share == 0).sum()),
    }


def _distances_told(a: Subject, b: Subject, seed: int) -> dict[str, object]:
    a.progress.step("Comparing distances")
    return {
        "cka": _rounded(alignment(a.vectors, b.vectors)),
        "rank_correlation": _rounded(rank_agreement(a.vectors, b.vectors, seed)),
    }


def _clusters_told(a: Subject, b: Subject, groups: int, seed: int) -> dict[str, object]:
    a.progress.step("Comparing clusters")
    found = cluster_agreement(a.vectors, b.vectors, groups, seed)
    return {
        "count": found.clusters,
        "sample": found.sample,
        "ari": round(found.ari, 4),
        "nmi": round(found.nmi, 4),
    }


def _labels_told(
    a: Subject,
    b: Subject,
    graphs: tuple[NeighbourGraph, NeighbourGraph],
    parameters: ComparisonParameters,
) -> tuple[dict[str, object] | None, int]:
    """What is to be said of labels, and how many groups to look for."""
    if parameters.label is None:
        return None, parameters.clusters or 20
    a.progress.step("Comparing labels")
    of = classes(labels(a, parameters.label))
    told: dict[str, object] = {
        "field": parameters.label,
        "classes": len(of.names),
        "labelled": int(of.known.sum()),
        "majority": round(of.majority, 4),
    }
    for side, one, graph in (("space", a, graphs[0]), ("other", b, graphs[1])):
        apart = separation(one.vectors, of)
        told[side] = {
            "knn_accuracy": round(knn_accuracy(graph, of), 4),
            "silhouette": _rounded(apart.silhouette),
            "within": _rounded(apart.within),
            "between": _rounded(apart.between),
        }
    return told, parameters.clusters or min(max(len(of.names), 2), 1000)


def _disagreeing(
    ids: object, graphs: tuple[NeighbourGraph, NeighbourGraph], shared: Overlap, shown: int
) -> pa.Table:
    import pyarrow as pa

    names = np.array(ids, object)
    rows = np.argsort(shared.share, kind="stable")[:shown]
    lists = [
        [[str(names[j]) for j in graph.indices[row] if j >= 0] for row in rows] for graph in graphs
    ]
    return pa.table(
        {
            "id": pa.array(names[rows], pa.string()),
            "overlap": shared.share[rows],
            "jaccard": shared.jaccard[rows],
            "neighbour_ids": pa.array(lists[0], pa.list_(pa.string())),
            "other_neighbour_ids": pa.array(lists[1], pa.list_(pa.string())),
        }
    )


def _outliers(ids: object, remote: tuple[NDArray[np.float32], NDArray[np.float32]]) -> pa.Table:
    import pyarrow as pa

    a, b = remote
    only = ((a >= REMOTE) & (b < USUAL)) | ((b >= REMOTE) & (a < USUAL))
    rows = np.flatnonzero(only)
    rows = rows[np.argsort(-np.abs(a[rows] - b[rows]), kind="stable")]
    sides = np.where(a[rows] > b[rows], "space", "other")
    return pa.table(
        {
            "id": pa.array(np.array(ids, object)[rows], pa.string()),
            "outlier_in": pa.array(sides.tolist(), pa.string()),
            "remoteness": a[rows],
            "other_remoteness": b[rows],
        }
    )


def _outliers_told(table: pa.Table) -> dict[str, int]:
    sides = table["outlier_in"].to_pylist()
    return {f"only_in_{side}": sides.count(side) for side in ("space", "other")}


def _assets(
    ids: object,
    shared: Overlap,
    remote: tuple[NDArray[np.float32], NDArray[np.float32]],
    maps: tuple[Positions, Positions],
) -> pa.Table:
    import pyarrow as pa

    table = {
        "id": pa.array(np.array(ids, object), pa.string()),
        "overlap": shared.share,
        "jaccard": shared.jaccard,
        "remoteness": remote[0],
        "other_remoteness": remote[1],
        "x": maps[0][:, 0],
        "y": maps[0][:, 1],
        "other_x": maps[1][:, 0],
        "other_y": maps[1][:, 1],
    }
    order = np.argsort(shared.share, kind="stable")
    return pa.table(table).take(order)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


METHOD = Method(
    name="comparison",
    promise="Two spaces over the same assets: where neighbours, outliers and groups differ.",
    parameters=ComparisonParameters,
    run=run,
    least=2,
    mixes_kinds=True,
)
