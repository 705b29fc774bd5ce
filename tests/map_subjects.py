"""Subjects made of given vectors, for maps and comparisons: an exact graph, and a kept map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from indexer.analysis.maps import METHOD
from indexer.analysis.method import Outcome
from indexer.analysis.neighbours import NeighbourGraph
from indexer.analysis.subject import Access, Subject
from indexer.descriptions import Collection
from indexer.domain import IMPORTED, Kind, Space, StoredPoint
from indexer.errors import AnalysisNotFound


class Told:
    """A Progress that remembers what it was told."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, what: str, done: int = 0, total: int | None = None) -> None:
        self.steps.append(what)


class _Ledger:
    """As much of a store as a Subject reads payloads from."""

    def __init__(self, payloads: Mapping[str, Mapping[str, object]]) -> None:
        self.payloads = payloads

    def get(self, collection: str, ids: Sequence[str], **_: object) -> list[StoredPoint]:
        return [StoredPoint(id, self.payloads[id]) for id in ids if id in self.payloads]


def unit(rows: Any) -> NDArray[np.float32]:
    """The rows at length 1."""
    vectors = np.asarray(rows, np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / lengths, np.float32)


def exact_graph(vectors: NDArray[np.float32], k: int) -> NeighbourGraph:
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -np.inf)
    k = min(k, len(vectors) - 1)
    indices = np.argsort(-similar, axis=1, kind="stable")[:, :k].astype(np.int32)
    return NeighbourGraph(indices, np.take_along_axis(similar, indices, axis=1))


def subject(
    vectors: NDArray[np.float32],
    *,
    ids: Sequence[str] | None = None,
    space: str = "here",
    labels: Sequence[object] | None = None,
    earlier: Sequence[Outcome] = (),
    others: Mapping[str, NDArray[np.float32]] = MappingProxyType({}),
    kind: Kind | None = Kind.IMAGE,
) -> Subject:
    """A Subject of these unit vectors; `others`: the same assets in other Spaces; `earlier`: maps
    that there are, newest first."""
    ids = [f"id-{row}" for row in range(len(vectors))] if ids is None else ids
    payloads: dict[str, dict[str, object]] = {id: {"kind": "image"} for id in ids}
    for id, label in zip(ids, labels or [], strict=False):
        payloads[id]["metadata"] = {} if label is None else {"class": label}

    def of(name: str, rows: NDArray[np.float32]) -> Space:
        return Space(name, rows.shape[1], IMPORTED, "file-1", frozenset(Kind))

    def made(name: str, rows: NDArray[np.float32]) -> Subject:
        described = of(name, rows)
        spaces = (of(space, vectors), *(of(*one) for one in others.items()))
        return Subject(
            collection=Collection("things", spaces, "2026-01-01T00:00:00Z"),
            space=described,
            kind=kind,
            ids=ids,
            vectors=rows,
            without_vectors=0,
            progress=Told(),
            access=Access(cast("Any", _Ledger(payloads)), *cast("Any", (None, None, None))),
            graph=lambda k: exact_graph(rows, k),
            beside=beside,
            earlier=lambda name: earlier[0].tables if earlier else None,
            all_earlier=lambda name: iter([outcome.tables for outcome in earlier]),
            tables=missing,
        )

    def beside(other: str) -> tuple[Subject, Subject]:
        return made(space, vectors), made(other, others[other])

    def missing(id: str) -> Mapping[str, pa.Table]:
        raise AnalysisNotFound(f"There is no analysis {id}.")

    return made(space, vectors)


def with_graph(given: Subject, graph: NeighbourGraph) -> Subject:
    """The Subject with this graph, where an exact one is too much."""
    return replace(given, graph=graph.nearest)


def rows(outcome: Outcome) -> list[dict[str, Any]]:
    """The rows of a map in the order of the numbers in their ids."""
    table: list[dict[str, Any]] = outcome.tables["map"].to_pylist()
    return sorted(table, key=lambda row: int(row["id"].removeprefix("id-")))


def positions(outcome: Outcome) -> NDArray[np.float32]:
    """The x and y of a map, in the same order."""
    return np.array([[row["x"], row["y"]] for row in rows(outcome)], np.float32)


def clouds(
    sizes: Sequence[int], dimension: int = 16, spread: float = 0.05, seed: int = 0
) -> tuple[NDArray[np.float32], list[str]]:
    """Groups of vectors around axes, each group named by its number."""
    chance = np.random.default_rng(seed)
    labels = [number for number, size in enumerate(sizes) for _ in range(size)]
    centres = np.eye(dimension)[labels]
    return unit(centres + spread * chance.normal(size=centres.shape)), [str(n) for n in labels]


def drawn(given: Subject, **parameters: object) -> Outcome:
    """A map of the Subject."""
    return METHOD.run(given, METHOD.chosen(parameters))


def nearest_label_share(xy: np.ndarray, labels: list[str]) -> float:
    """How many have one of their own as the nearest on the map."""
    apart = np.linalg.norm(xy[:, None] - xy[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    return float(np.mean([labels[i] == labels[j] for i, j in enumerate(apart.argmin(axis=1))]))
