"""Groups of duplicates: stars around the one to keep, whose members resemble each other.

Resemblance is no chain: if A is like B and B like C, A and C may have nothing in common. So each
member is a confirmed duplicate of the keeper itself, and a member that plainly is unlike another
one stays out, unless both are parts of the keeper: two ends of one panorama belong to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from indexer.analysis.duplicates.verdicts import PARTS, Judged, Verdict, is_askew
from indexer.domain import AssetId

Links = Mapping[tuple[AssetId, AssetId], Judged]
"""What each pair is; the ids of a pair in their order."""


@dataclass(frozen=True, slots=True)
class Group:
    """The asset to keep, and its duplicates with what each is to it."""

    keeper: AssetId
    members: tuple[AssetId, ...]
    verdicts: tuple[Verdict, ...]


def derived_assets(links: Links) -> set[AssetId]:
    """Those that were made of another one."""
    return {
        pair[judged.derived]
        for pair, judged in links.items()
        if judged.is_duplicate and judged.derived is not None
    }


def groups(
    links: Links,
    rank: Callable[[AssetId], tuple[object, ...]],
    resemble: Callable[[AssetId, AssetId], bool],
) -> list[Group]:
    """Groups, the largest first; `rank` sorts what to keep first.

    `resemble` says of two assets that were not confirmed whether they may be alike all the same.
    """
    beside: dict[AssetId, dict[AssetId, Judged]] = {}
    for (one, other), judged in links.items():
        if judged.is_duplicate:
            beside.setdefault(one, {})[other] = judged
            beside.setdefault(other, {})[one] = judged
    taken: set[AssetId] = set()
    found: list[Group] = []
    for keeper in sorted(beside, key=rank):
        if keeper in taken:
            continue
        free = [id for id in sorted(beside[keeper], key=rank) if id not in taken]
        members = _resembling(keeper, free, beside, resemble)
        if members:
            taken.update(members, [keeper])
            verdicts = tuple(beside[keeper][id].verdict for id in members)
            found.append(Group(keeper, tuple(members), verdicts))
    return sorted(found, key=lambda group: (-len(group.members), rank(group.keeper)))


def _resembling(
    keeper: AssetId,
    free: Sequence[AssetId],
    beside: Mapping[AssetId, Mapping[AssetId, Judged]],
    resemble: Callable[[AssetId, AssetId], bool],
) -> list[AssetId]:
    members: list[AssetId] = []
    for id in free:
        if all(_fits(id, member, beside, resemble, beside[keeper]) for member in members):
            members.append(id)
    return members


def _fits(
    one: AssetId,
    other: AssetId,
    beside: Mapping[AssetId, Mapping[AssetId, Judged]],
    resemble: Callable[[AssetId, AssetId], bool],
    around: Mapping[AssetId, Judged],
) -> bool:
    confirmed = beside[one].get(other)
    if confirmed is not None and confirmed.is_duplicate:
        return True
    return _moved(around[one]) or _moved(around[other]) or resemble(one, other)


def _moved(judged: Judged) -> bool:
    """Whether one shows but a part of the other, or is askew: a third need not be like both."""
    askew = judged.laid is not None and is_askew(judged.laid)
    return askew or bool(PARTS & {judged.verdict, *judged.changes})


def verdict_counts(found: Iterable[Judged]) -> dict[str, int]:
    """How many pairs have each verdict, the most telling verdict first."""
    counts = dict.fromkeys(Verdict, 0)
    for judged in found:
        counts[judged.verdict] += 1
    return {verdict.value: count for verdict, count in counts.items() if count}
