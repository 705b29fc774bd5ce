"""Precision, recall and F1 of pairs that were called duplicates, by variant."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench.variants import VARIANTS

Member = tuple[int, str]
"""The number of the photograph, and the variant of it."""


@dataclass(frozen=True, slots=True)
class Families:
    """Which file is which variant of which photograph; others are no one's."""

    of: dict[str, Member]
    count: int

    def member(self, paths: Sequence[str]) -> Member | None:
        return next((self.of[path] for path in paths if path in self.of), None)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of assets by their paths."""

    found: Sequence[tuple[Sequence[str], Sequence[str]]]


def scores(pairs: Pairs, families: Families, *, second_half: bool = True) -> dict[str, Any]:
    """By variant: was the pair with its original found, and what else was found of it?

    Recall counts variants paired with their original. Precision counts all pairs that a variant is
    in: those within its family are right. Pairs of two others are told apart.
    """
    half = range(families.count // 2, families.count) if second_half else range(families.count // 2)
    with_original: dict[str, set[int]] = defaultdict(set)
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    others: list[list[str]] = []
    false: list[list[str]] = []
    for one, other in pairs.found:
        first, second = families.member(one), families.member(other)
        if first is None and second is None:
            others.append([one[0], other[0]])
            continue
        mine = [member for member in (first, second) if member is not None and member[0] in half]
        is_right = first is not None and second is not None and first[0] == second[0]
        for _, name in mine:
            (right if is_right else wrong)[name] += 1
        if mine and not is_right:
            false.append([one[0], other[0]])
        if is_right and first is not None and second is not None and first[0] in half:
            names = {first[1], second[1]}
            if "original" in names and len(names) == 2:
                with_original[(names - {"original"}).pop()].add(first[0])
    told = {
        name: _figures(len(with_original[name]), len(half), right[name], wrong[name])
        for name in VARIANTS
    }
    sure = sum(right.values()) / 2  # each right pair has two members
    return {
        "variants": told,
        "precision": round(sure / (sure + len(false)), 4) if sure else 0.0,
        "recall": round(sum(map(len, with_original.values())) / len(half) / len(VARIANTS), 4),
        "false": false,
        "pairs_of_others": others,
    }


def at_distances(
    near: Iterable[tuple[str, str, int]], families: Families, default: int = 10
) -> dict[str, Any]:
    """A hash at its default distance, and at the one with the best mean F1 on the first half."""
    by_distance: dict[int, list[tuple[list[str], list[str]]]] = defaultdict(list)
    for one, other, apart in near:
        by_distance[apart].append(([one], [other]))

    def up_to(most: int) -> Pairs:
        return Pairs(
            [pair for apart, pairs in by_distance.items() if apart <= most for pair in pairs]
        )

    best = max(
        range(17), key=lambda most: _mean_f1(scores(up_to(most), families, second_half=False))
    )
    return {
        "default": _short(scores(up_to(default), families), default),
        "best": _short(scores(up_to(best), families), best),
    }


def verdicts(
    rows: Iterable[Mapping[str, Any]], paths: Mapping[str, Sequence[str]], families: Families
) -> dict[str, dict[str, int]]:
    """What each variant was called beside its original (second half)."""
    told: dict[str, Counter[str]] = {name: Counter() for name in VARIANTS}
    for row in rows:
        first, second = (families.member(paths[row[key]]) for key in ("id", "other_id"))
        if first is None or second is None or first[0] != second[0]:
            continue
        names = {first[1], second[1]}
        if "original" in names and len(names) == 2 and first[0] >= families.count // 2:
            told[(names - {"original"}).pop()][row["verdict"]] += 1
    return {name: dict(counts.most_common()) for name, counts in told.items()}


def _figures(found: int, of: int, right: int, wrong: int) -> dict[str, float]:
    recall = found / of
    precision = right / (right + wrong) if right else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"recall": round(recall, 4), "precision": round(precision, 4), "f1": round(f1, 4)}


def _mean_f1(told: Mapping[str, Any]) -> float:
    return float(sum(one["f1"] for one in told["variants"].values()) / len(VARIANTS))


def _short(told: Mapping[str, Any], distance: int) -> dict[str, Any]:
    return {
        "distance": distance,
        "precision": told["precision"],
        "recall": told["recall"],
        "f1": {name: one["f1"] for name, one in told["variants"].items()},
        "pairs_of_others": len(told["pairs_of_others"]),
    }
