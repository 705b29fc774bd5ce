"""Who stays for whom in the end, where what is kept of one pair goes in favour of another one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field

from indexer.domain import AssetId


@dataclass(frozen=True, slots=True)
class Settled:
    """What goes and the one kept in its place in the end; what stays after all, and why."""

    kept: dict[AssetId, AssetId] = field(default_factory=dict)
    staying: dict[AssetId, str] = field(default_factory=dict)


def settle(
    favours: Mapping[AssetId, AssetId],
    apart: Mapping[AssetId, Set[AssetId]],
    called: Callable[[AssetId], str],
) -> Settled:
    """Follow every chain to its end, those named first in `favours` being the first to go.

    `favours` has the asset in whose favour each one could go. None goes for one that it is kept
    `apart` from; of two kept apart from each other only one goes for the same third, for if the
    third could stand for both, they would be the same. What goes round in a circle stays.
    """
    settled = Settled()
    gone: dict[AssetId, set[AssetId]] = defaultdict(set)
    for start in favours:
        for goes in _towards(start, favours, settled):
            keeper = settled.kept.get(favours[goes], favours[goes])
            mine = apart.get(goes, frozenset())
            if keeper in mine:
                settled.staying[goes] = f"a decision keeps it apart from {called(keeper)}"
            elif others := mine & gone[keeper]:
                settled.staying[goes] = (
                    f"a decision keeps it apart from {called(min(others))}, which leaves"
                )
            else:
                settled.kept[goes] = keeper
                gone[keeper].add(goes)
    return settled


def _towards(start: AssetId, favours: Mapping[AssetId, AssetId], settled: Settled) -> list[AssetId]:
    """What is not settled yet on the way from here, the end of it first; circles are settled."""
    way: dict[AssetId, None] = {}
    here = start
    while here in favours and not (here in settled.kept or here in settled.staying or here in way):
        way[here] = None
        here = favours[here]
    steps = [*way]
    if here in way:
        circle = steps[steps.index(here) :]
        reason = "the decisions go round in a circle: nothing of it would be kept"
        settled.staying.update(dict.fromkeys(circle, reason))
    return [one for one in reversed(steps) if one not in settled.staying]
