"""What was found, as tables: pairs with their evidence, groups, exact duplicates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from indexer.analysis.duplicates.checking import Pair
from indexer.analysis.duplicates.decisions import Decided, pair_id
from indexer.analysis.duplicates.groups import Group
from indexer.analysis.duplicates.keeper import reason
from indexer.analysis.duplicates.verdicts import Judged
from indexer.domain import Asset, AssetId

if TYPE_CHECKING:
    import pyarrow as pa


def pairs_table(
    found: Mapping[Pair, Judged],
    measured: Mapping[Pair, tuple[float, int | None]],
    decided: Mapping[AssetId, Decided],
) -> pa.Table:
    """One row a pair, the surest first; `measured` has its cosine and the distance of its hashes.

    `decision` is what a person said of it before the run; open pairs have none.
    """
    import pyarrow as pa

    order = sorted(found, key=lambda pair: (*_surety(found[pair]), pair))
    columns: dict[str, list[object]] = {name: [] for name in _PAIRS}
    for pair in order:
        for name, value in _pair(pair, found[pair], *measured[pair], decided).items():
            columns[name].append(value)
    fields = [(name, type_named(kind)) for name, kind in _PAIRS.items()]
    return pa.table(columns, schema=pa.schema(fields))


def groups_table(
    groups: Sequence[Group], known: Mapping[AssetId, Asset], derived: Iterable[AssetId]
) -> pa.Table:
    """One row a group, the largest first: what to keep and why, and what each other one is."""
    import pyarrow as pa

    made = set(derived)
    members = [[known[id] for id in group.members] for group in groups]
    return pa.table(
        {
            "id": pa.array([group.keeper for group in groups], pa.string()),
            "member_ids": pa.array(
                [list(group.members) for group in groups], pa.list_(pa.string())
            ),
            "verdicts": pa.array(
                [[verdict.value for verdict in group.verdicts] for group in groups],
                pa.list_(pa.string()),
            ),
            "size": pa.array([1 + len(group.members) for group in groups], pa.int32()),
            "bytes_beside": pa.array(
                [sum(one.bytes for one in them) for them in members], pa.int64()
            ),
            "reason": pa.array(
                [
                    reason(known[group.keeper], them, made)
                    for group, them in zip(groups, members, strict=True)
                ],
                pa.string(),
            ),
        }
    )


def exact_table(found: Iterable[Asset]) -> pa.Table:
    """One row an asset that was found in several places, the most places first."""
    import pyarrow as pa

    several = sorted(found, key=lambda asset: (-len(asset.sources), asset.id))
    paths = [[source.path for source in asset.sources] for asset in several]
    uris = [[source.uri for source in asset.sources] for asset in several]
    return pa.table(
        {
            "id": pa.array([asset.id for asset in several], pa.string()),
            "copies": pa.array([len(asset.sources) for asset in several], pa.int32()),
            "bytes": pa.array([asset.bytes for asset in several], pa.int64()),
            "paths": pa.array(paths, pa.list_(pa.string())),
            "uris": pa.array(uris, pa.list_(pa.string())),
        }
    )


def problems_table(problems: Mapping[AssetId, str]) -> pa.Table:
    """One row a picture that could not be opened, and why."""
    import pyarrow as pa

    rows = sorted(problems.items())
    return pa.table(
        {
            "id": pa.array([id for id, _ in rows], pa.string()),
            "reason": pa.array([why for _, why in rows], pa.string()),
        }
    )


_PAIRS = {
    "id": "string",
    "other_id": "string",
    "pair": "string",
    "verdict": "string",
    "duplicate": "bool",
    "changes": "list",
    "derived_id": "string",
    "cosine": "float32",
    "hash_distance": "int16",
    "inliers": "int32",
    "matches": "int32",
    "correlation": "float32",
    "changed": "float32",
    "written": "float32",
    "covered": "float32",
    "other_covered": "float32",
    "rotation": "float32",
    "scale": "float32",
    "mirrored": "bool",
    "decision": "string",
}


def _pair(
    pair: Pair,
    judged: Judged,
    cosine: float,
    distance: int | None,
    decided: Mapping[AssetId, Decided],
) -> dict[str, object]:
    laid, likeness = judged.laid, judged.likeness
    known = decided.get(pair_id(*pair))
    return {
        "id": pair[0],
        "other_id": pair[1],
        "pair": pair_id(*pair),
        "verdict": judged.verdict.value,
        "duplicate": judged.is_duplicate,
        "changes": [change.value for change in judged.changes],
        "derived_id": None if judged.derived is None else pair[judged.derived],
        "cosine": cosine,
        "hash_distance": distance,
        "inliers": None if laid is None else laid.inliers,
        "matches": None if laid is None else laid.matches,
        "correlation": None if likeness is None else likeness.correlation,
        "changed": None if likeness is None else likeness.changed,
        "written": None if likeness is None else likeness.written,
        "covered": None if likeness is None else likeness.first_covered,
        "other_covered": None if likeness is None else likeness.second_covered,
        "rotation": None if laid is None else round(laid.rotation, 2),
        "scale": None if laid is None else laid.scale,
        "mirrored": None if laid is None else laid.mirrored,
        "decision": None if known is None else known.decision.value,
    }


def _surety(judged: Judged) -> tuple[bool, float]:
    """Sorts duplicates first, and of those the ones that are most alike."""
    likeness = judged.likeness
    alike = 1.0 if likeness is None else max(likeness.correlation, likeness.rest)
    return not judged.is_duplicate, -alike


def type_named(kind: str) -> pa.DataType:
    """The Arrow type of a column; "list" is a list of texts."""
    import pyarrow as pa

    if kind == "list":
        return pa.list_(pa.string())
    return pa.type_for_alias(kind)
