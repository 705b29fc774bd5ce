"""Which names below a root are passed over: hidden ones, and those a person excluded."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fnmatch import translate

Excluded = Callable[[str, str], bool]
"""Tells by path below the root and by name whether a file or folder is passed over."""


def excluding(patterns: Sequence[str]) -> Excluded:
    """A test for hidden names (a leading dot) and for names or paths that match a glob pattern."""
    if not patterns:
        return lambda _below, name: name.startswith(".")
    matches = re.compile("|".join(translate(pattern.rstrip("/")) for pattern in patterns)).match
    return lambda below, name: bool(name.startswith(".") or matches(below) or matches(name))


def excluded_anywhere(excluded: Excluded, below: str) -> bool:
    """True if the path, or any folder that leads to it, is passed over."""
    parts = [part for part in below.split("/") if part not in ("", ".", "..")]
    return any(excluded("/".join(parts[: i + 1]), part) for i, part in enumerate(parts))
