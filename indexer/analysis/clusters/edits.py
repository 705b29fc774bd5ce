"""What a person changes in clusters that were found: a name, two made one, newcomers put in.

Functions of tables: what they return stands in the place of what they were given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from indexer.analysis.clusters.kmeans import Vectors, nearest, unit
from indexer.analysis.clusters.naming import TERMS, NamedBy
from indexer.analysis.clusters.portraits import REACH
from indexer.analysis.clusters.tables import (
    NONE,
    Centres,
    Cluster,
    Members,
    centres_in,
    clusters_in,
    clusters_tables,
    highest_in,
    members_in,
)
from indexer.domain import AssetId
from indexer.errors import InvalidInput

if TYPE_CHECKING:
    import pyarrow as pa

LONGEST_NAME = 200

Tables = Mapping[str, "pa.Table"]


def renamed(tables: Tables, cluster: int, name: str) -> dict[str, pa.Table]:
    """The cluster called so by a person. Raises `InvalidInput` for a number or name that cannot
    be."""
    clusters = clusters_in(tables["clusters"])
    (old,) = _chosen(clusters, [cluster])
    new = replace(old, name=checked_name(name), named_by=NamedBy.PERSON.value)
    others = [one for one in clusters if one.cluster != cluster]
    _refuse_taken(new.name, others)
    return _with(tables, [*others, new], members_in(tables["members"]), None)


def merged(
    tables: Tables, numbers: Sequence[int], name: str | None, vectors: Mapping[AssetId, Vectors]
) -> dict[str, pa.Table]:
    """The clusters made one, which has the number of the first; called so, or as the largest.

    `vectors`: those of the members, of shape (dimension,); a member that has none there, since it
    was deleted, keeps the similarity it had. Raises `InvalidInput` for numbers that are not there.
    """
    clusters, members = clusters_in(tables["clusters"]), members_in(tables["members"])
    if len(set(numbers)) < 2:
        raise InvalidInput("Name at least two different clusters to merge.", clusters=[*numbers])
    parts = _chosen(clusters, numbers)
    centres = centres_in(tables["centres"])
    # A centre is the direction of its members' sum, and cohesion times size is that sum's length.
    weights = np.array([one.cohesion * one.size for one in parts], np.float32)
    places = [centres.clusters.index(one.cluster) for one in parts]
    (centre,) = unit((weights @ centres.vectors[places])[None, :])
    inside = np.flatnonzero(np.isin(members.clusters, [one.cluster for one in parts]))
    for row in inside.tolist():
        vector = vectors.get(members.ids[row])
        if vector is not None:
            members.similarities[row] = vector @ centre
    members.clusters[inside] = numbers[0]
    new = _made_of(parts, numbers[0], members, inside, name)
    others = [one for one in clusters if one.cluster not in numbers]
    _refuse_taken(new.name, others)
    reach = np.quantile(members.similarities[inside], REACH).astype(np.float32)
    kept = [place for place, one in enumerate(centres.clusters) if one not in numbers]
    left = Centres(
        [*(centres.clusters[place] for place in kept), numbers[0]],
        np.append(centres.reach[kept], reach),
        np.concatenate([centres.vectors[kept], centre[None, :]]),
    )
    return _with(tables, [*others, new], members, left)


def brought_up_to_date(
    tables: Tables, ids: Sequence[AssetId], vectors: Vectors, *, all_belong: bool
) -> dict[str, pa.Table]:
    """New assets in the clusters whose centres are nearest; those that are not there any more gone.

    `ids` and `vectors` (unit rows) are what is there now. Unless `all_belong`, what is farther from
    a centre than nearly all its members are is in no cluster. Centres and names stay as they are.
    """
    clusters, members = clusters_in(tables["clusters"]), members_in(tables["members"])
    centres = centres_in(tables["centres"])
    there, known = set(ids), set(members.ids)
    kept = [row for row, id in enumerate(members.ids) if id in there]
    fresh = [row for row, id in enumerate(ids) if id not in known]
    numbers, similarities = _assigned(vectors[fresh], centres, all_belong)
    unknown = np.full(len(fresh), np.nan, np.float32)
    now = Members(
        [*(members.ids[row] for row in kept), *(ids[row] for row in fresh)],
        np.concatenate([members.clusters[kept], numbers]),
        np.concatenate([members.similarities[kept], similarities]),
        np.concatenate([members.probabilities[kept], unknown]),
    )
    counted = [_counted(one, now) for one in clusters]
    return _with(tables, counted, now, centres)


def checked_name(name: str) -> str:
    """The name without blanks around it. Raises `InvalidInput` for one that is none."""
    clean = " ".join(name.split())
    if not clean or len(clean) > LONGEST_NAME or not clean.isprintable():
        raise InvalidInput(f"A cluster's name has 1 to {LONGEST_NAME} printable characters.")
    return clean


def _assigned(
    vectors: Vectors, centres: Centres, all_belong: bool
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int32]], Vectors]:
    if not centres.clusters or not len(vectors):
        return np.full(len(vectors), NONE, np.int32), np.zeros(len(vectors), np.float32)
    places, similarities = nearest(vectors, centres.vectors)
    numbers = np.array(centres.clusters, np.int32)[places]
    if not all_belong:
        numbers[similarities < centres.reach[places]] = NONE
    return numbers, similarities


def _counted(cluster: Cluster, members: Members) -> Cluster:
    inside = members.clusters == cluster.cluster
    size, total = int(inside.sum()), float(members.similarities[inside].sum())
    return replace(cluster, size=size, cohesion=total / size if size else 0.0)


def _made_of(
    parts: Sequence[Cluster],
    number: int,
    members: Members,
    inside: np.ndarray[tuple[int], np.dtype[np.int64]],
    name: str | None,
) -> Cluster:
    largest_first = sorted(parts, key=lambda one: -one.size)
    similarity = {members.ids[row]: members.similarities[row] for row in inside.tolist()}
    known = [id for one in parts for id in one.representative_ids]
    nearest_first = sorted(known, key=lambda id: -similarity.get(id, 0))
    terms = dict.fromkeys(term for one in largest_first for term in one.terms[: TERMS // 2])
    return Cluster(
        cluster=number,
        name=largest_first[0].name if name is None else checked_name(name),
        terms=[*terms][:TERMS],
        named_by=largest_first[0].named_by if name is None else NamedBy.PERSON.value,
        size=len(inside),
        cohesion=float(members.similarities[inside].mean()),
        representative_ids=nearest_first[: max(len(one.representative_ids) for one in parts)],
    )


def _with(
    tables: Tables, clusters: Sequence[Cluster], members: Members, centres: Centres | None
) -> dict[str, pa.Table]:
    kept = centres or centres_in(tables["centres"])
    new = clusters_tables(clusters, members, kept, highest_in(tables["clusters"]))
    return {**tables, **new}


def _chosen(clusters: Sequence[Cluster], numbers: Sequence[int]) -> list[Cluster]:
    known = {one.cluster: one for one in clusters}
    for number in numbers:
        if number not in known:
            have = ", ".join(str(one) for one in sorted(known)[:50]) or "none"
            raise InvalidInput(f"There is no cluster {number}. There are: {have}.", cluster=number)
    return [known[number] for number in dict.fromkeys(numbers)]


def _refuse_taken(name: str, others: Sequence[Cluster]) -> None:
    for one in others:
        if one.name == name:
            raise InvalidInput(
                f"Cluster {one.cluster} is called {name!r} already. Choose another name, or merge "
                "the two.",
                cluster=one.cluster,
            )
