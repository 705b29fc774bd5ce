"""Paths into payloads: `status`, `metadata.year`, `metadata."Camera Model"`, `sources[].uri`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from indexer.domain import Payload
from indexer.errors import InvalidQuery

_STEP = re.compile(r'(?:"(?P<quoted>[^"\\]+)"|(?P<bare>[^".\[\]\\]+))(?P<every>\[\])?(?:\.|\Z)')
_SIMPLE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Step:
    """One key of a path; `every` goes on into each element of the list found there."""

    key: str
    every: bool = False


@dataclass(frozen=True, slots=True)
class FieldPath:
    """Where in a payload a value is, in a form that both engines and this process understand."""

    steps: tuple[Step, ...]

    @property
    def engine(self) -> str:
        """The path as Qdrant writes it, keys quoted where it needs that."""
        return ".".join(quoted(step.key) + "[]" * step.every for step in self.steps)

    def values(self, payload: Payload) -> Iterator[object]:
        """The values at the path; a list at its end counts as its elements."""
        found: list[object] = [payload]
        for step in self.steps:
            found = [one[step.key] for one in found if isinstance(one, dict) and step.key in one]
            if step.every:
                found = [element for one in found if isinstance(one, list) for element in one]
        for value in found:
            if isinstance(value, list):
                yield from value
            else:
                yield value


@lru_cache(maxsize=1024)
def parse_field(field: str) -> FieldPath:
    """The path that the text describes; raises `InvalidQuery` if it describes none."""
    steps = []
    position = 0
    while match := _STEP.match(field, position):
        steps.append(Step(match["quoted"] or match["bare"], match["every"] is not None))
        position = match.end()
        if position == len(field):
            break
    if not steps or position < len(field) or field.endswith(".") or not _encodable(field):
        raise InvalidQuery(
            f"{field!r} is no field path. Write keys joined by dots, like metadata.year; put a "
            'key that holds a dot or a bracket in double quotes, like metadata."f.stop".',
            field=field,
        )
    return FieldPath(tuple(steps))


def quoted(key: str) -> str:
    """A key as one step of an engine's path."""
    return key if _SIMPLE_KEY.fullmatch(key) else f'"{key}"'


def key_paths(keys: Sequence[str]) -> list[str]:
    """Top-level payload keys as an engine's paths; raises `InvalidQuery` for what is no key."""
    for key in keys:
        if not key or '"' in key or "\\" in key or not _encodable(key):
            raise InvalidQuery(f"{key!r} cannot be a payload key; name another.", field=key)
    return [quoted(key) for key in keys]


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
