"""What a comparison found, in sentences: the most important first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LIKENESS = (
    (0.9, "Nearly the same"),
    (0.6, "Alike"),
    (0.3, "Different"),
    (0.0, "Very different"),
)
_CLEARLY = 0.02
"""Shares of right answers that differ by less are told as equal."""


def verdict(summary: Mapping[str, Any]) -> list[str]:
    """Sentences about the summary of a `comparison`."""
    return [
        _neighbours(summary),
        *_labels(summary),
        _groups(summary),
        _outliers(summary),
    ]


def _neighbours(summary: Mapping[str, Any]) -> str:
    shared, chance, k = summary["overlap"], summary["overlap_chance"], summary["k"]
    # Beyond chance: of few assets any two spaces share many neighbours.
    beyond = (shared - chance) / (1 - chance) if chance < 1 else 1.0
    word = next((word for least, word in _LIKENESS if beyond >= least), _LIKENESS[-1][1])
    whose = "nearest neighbour" if k == 1 else f"{k} nearest neighbours"
    return (
        f"{word}: of each asset's {whose} the two spaces share {shared * k:.1f} "
        f"(chance would share {chance * k:.1f})."
    )


def _labels(summary: Mapping[str, Any]) -> list[str]:
    told = summary.get("labels")
    if told is None:
        return []
    names = {"space": summary["space"], "other": summary["other"]}
    right = {side: told[side]["knn_accuracy"] for side in names}
    figures = (
        f"neighbours name the class of {right['space']:.1%} in {names['space']!r} and of "
        f"{right['other']:.1%} in {names['other']!r} (always the largest class: "
        f"{told['majority']:.1%})"
    )
    if abs(right["space"] - right["other"]) < _CLEARLY:
        return [f"Both tell the classes of {told['field']!r} apart equally well: {figures}."]
    better = max(names, key=lambda side: right[side])
    return [f"{names[better]!r} tells the classes of {told['field']!r} apart better: {figures}."]


def _groups(summary: Mapping[str, Any]) -> str:
    found = summary["clusters"]
    if found is None:
        return "There are too few assets to compare groups of them."
    # NMI is left out: of small groups it is high by chance.
    return (
        f"{found['count']} groups sought in each agree with ARI {found['ari']:.2f} and AMI "
        f"{found['ami']:.2f} (1: the same groups, 0: what chance would share)."
    )


def _outliers(summary: Mapping[str, Any]) -> str:
    found = summary["outliers"]
    return (
        f"Remote in one space alone: {found['only_in_space']:,} in {summary['space']!r}, "
        f"{found['only_in_other']:,} in {summary['other']!r}."
    )
