"""Ids as people type them: whole, or as much of the beginning as tells one from the others."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from indexer.domain import AssetId
from indexer.errors import InvalidInput, NotFound

_BEGINS_UUID = re.compile(r"[0-9a-f-]{1,36}")
_WHOLE = len(str(uuid.UUID(int=0)))


class _Named(Protocol):
    @property
    def id(self) -> AssetId: ...


One = TypeVar("One", bound=_Named)


def named(
    what: str,
    name: str,
    get: Callable[[AssetId], One],
    everything: Callable[[], Iterable[One]],
    missing: Callable[[str], NotFound],
) -> One:
    """The one with this id, or the only one whose id begins so; `what` they are called.

    Raises what `missing` makes, and `InvalidInput` naming the candidates if there are several.
    """
    if not _BEGINS_UUID.fullmatch(name):
        raise InvalidInput(
            f"{name!r} is no id of {what}, nor the beginning of one.", **{what.split()[-1]: name}
        )
    if len(name) == _WHOLE:
        return get(name)
    found = [one for one in everything() if one.id.startswith(name)]
    if not found:
        raise missing(name)
    if len(found) > 1:
        candidates = [one.id for one in found]
        raise InvalidInput(
            f"Several begin with {name}; write more of the id of {what}: {', '.join(candidates)}.",
            candidates=candidates,
        )
    return found[0]
