"""The analysis `clusters`: from a Subject to its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.clusters import choosing, density, hierarchy, kmeans
from indexer.analysis.clusters.choosing import Choice
from indexer.analysis.clusters.kmeans import Labels
from indexer.analysis.clusters.matching import numbered
from indexer.analysis.clusters.naming import Name, NamedBy, names, own_terms
from indexer.analysis.clusters.parameters import ClusterParameters
from indexer.analysis.clusters.portraits import Portraits, portray
from indexer.analysis.clusters.tables import (
    NONE,
    Centres,
    Cluster,
    Members,
    choices_table,
    clusters_in,
    clusters_tables,
    highest_in,
    members_in,
)
from indexer.analysis.method import Method, Outcome
from indexer.analysis.subject import Subject
from indexer.errors import InvalidInput

if TYPE_CHECKING:
    import pyarrow as pa

NAME = "clusters"


@dataclass(frozen=True, slots=True)
class Partition:
    """The cluster of each asset (-1: none), how surely (NaN: not known), and the k tried."""

    labels: Labels
    probabilities: NDArray[np.float32]
    tried: Sequence[Choice] = ()
    chosen: int | None = None
    remark: str | None = None


def run(subject: Subject, asked: ClusterParameters) -> Outcome:
    """Cluster, name and describe. Raises `InvalidInput` for what does not fit together."""
    own_terms(asked)  # a list that cannot be read is told before anything is computed
    found = partition(subject, asked)
    subject.progress.step("Describing clusters")
    portraits = portray(subject.vectors, found.labels, asked.representatives)
    former = subject.earlier(NAME)
    highest = 0 if former is None else highest_in(former["clusters"])
    numbers = numbered(subject.ids, found.labels, _numbers_in(former), highest)
    called = _called(names(subject, asked, found.labels, portraits), numbers, former)
    clusters = _clusters(subject, portraits, numbers, called)
    members = Members(
        subject.ids,
        np.where(found.labels < 0, NONE, np.append(numbers, NONE)[found.labels]).astype(np.int32),
        portraits.similarities,
        found.probabilities,
    )
    centres = Centres([int(n) for n in numbers], portraits.reach, portraits.centres)
    tables = clusters_tables(clusters, members, centres, highest)
    tables["choices"] = choices_table(found.tried, found.chosen)
    return Outcome(summary(clusters, members) | _chosen(asked, found), tables)


def partition(subject: Subject, asked: ClusterParameters) -> Partition:
    """Raises `InvalidInput` if k is more than there are assets, or does not go with `by`."""
    n = len(subject)
    if asked.k is not None and asked.k > n:
        raise InvalidInput(
            f"{n:,} assets cannot make {asked.k:,} clusters; give a k of at most {n:,}, or none.",
            k=asked.k,
            assets=n,
        )
    unknown = np.full(n, np.nan, np.float32)
    if n == 1 or not np.ptp(subject.vectors, axis=0).any():
        one = "All vectors are the same: there is one cluster."
        return Partition(np.zeros(n, np.int32), unknown, remark=one if n > 1 else None)
    if asked.by == "density":
        return _by_density(subject, asked)
    if asked.smallest is not None:
        raise InvalidInput("`smallest` goes with by=density; kmeans takes `k`.")
    tried = [] if asked.k else choosing.choices(subject.vectors, asked.seed, subject.progress)
    k = asked.k or choosing.best(tried)
    labels = kmeans.cluster(subject.vectors, k, asked.seed, subject.progress)
    made = int(labels.max()) + 1
    fewer = f"{k:,} clusters were asked for, but only {made:,} differ." if made < k else None
    return Partition(labels, unknown, tried, k, fewer)


def _by_density(subject: Subject, asked: ClusterParameters) -> Partition:
    if asked.k is not None:
        raise InvalidInput("by=density finds how many clusters there are; leave k out.")
    smallest = asked.smallest or density.smallest_cluster(len(subject))
    graph = subject.graph(min(density.NEIGHBOURS, len(subject) - 1))
    labels, sure = density.cluster(subject.vectors, graph, smallest, subject.progress)
    found = int(labels.max(initial=-1)) + 1
    if found > hierarchy.MOST:
        raise InvalidInput(
            f"{found:,} groups stand out, more than the {hierarchy.MOST:,} that a tree is made of; "
            f"give a `smallest` above {smallest:,}.",
            smallest=smallest,
        )
    remark = None
    if not found:
        remark = (
            f"No {smallest:,} assets lie so much closer together than others that they stand out. "
            "Try a lower `smallest`, or by=kmeans."
        )
    return Partition(labels, sure, remark=remark)


def summary(clusters: Sequence[Cluster], members: Members) -> dict[str, object]:
    """What there is, and what is in no cluster."""
    total, outside = len(members.ids), int((members.clusters < 0).sum())
    inside = sum(one.size for one in clusters)
    cohesion = sum(one.size * one.cohesion for one in clusters) / inside if inside else None
    return {
        "clusters": len(clusters),
        "noise": outside,
        "noise_share": round(outside / total, 4),
        "largest": max((one.size for one in clusters), default=0),
        "smallest": min((one.size for one in clusters), default=0),
        "cohesion": None if cohesion is None else round(cohesion, 4),
        "without_a_name": sum(one.named_by == NamedBy.NUMBER for one in clusters),
    }


def _chosen(asked: ClusterParameters, found: Partition) -> dict[str, object]:
    criterion = choosing.CRITERION if found.tried else None
    return {"by": asked.by, "k": found.chosen, "criterion": criterion, "remark": found.remark}


def _numbers_in(former: Mapping[str, pa.Table] | None) -> dict[str, int] | None:
    if former is None:
        return None
    members = members_in(former["members"])
    return dict(zip(members.ids, members.clusters.tolist(), strict=True))


def _called(
    found: Sequence[Name | None],
    numbers: NDArray[np.int32],
    former: Mapping[str, pa.Table] | None,
) -> list[Name]:
    """What a person called a cluster stays; else what was found; else its number."""
    kept = {} if former is None else {one.cluster: one for one in clusters_in(former["clusters"])}
    called = []
    for number, name in zip(numbers.tolist(), found, strict=True):
        name = name or Name(f"Cluster {number}", (), NamedBy.NUMBER)
        before = kept.get(number)
        if before is not None and before.named_by == NamedBy.PERSON:
            name = replace(name, name=before.name, by=NamedBy.PERSON)
        called.append(name)
    return called


def _clusters(
    subject: Subject, portraits: Portraits, numbers: NDArray[np.int32], called: Sequence[Name]
) -> list[Cluster]:
    return [
        Cluster(
            cluster=int(number),
            name=name.name,
            terms=name.terms,
            named_by=name.by.value,
            size=int(portraits.sizes[place]),
            cohesion=float(portraits.cohesion[place]),
            representative_ids=[subject.ids[row] for row in portraits.representatives[place]],
        )
        for place, (number, name) in enumerate(zip(numbers, called, strict=True))
    ]


METHOD = Method(
    name=NAME,
    promise="Groups of assets that belong together, each with a name and those that stand for it.",
    parameters=ClusterParameters,
    run=run,
    least=1,
)
