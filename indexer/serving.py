"""Which Space answers by default: switched to another one, and back.

A switch is one write to the Collection's description, which every search reads anyway: each query
is answered by the former Space or by the new one, in every process, and never by neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from indexer import collections
from indexer.choosing import serving_space
from indexer.collections import Collection
from indexer.domain import Kind, Space
from indexer.errors import Conflict, InvalidInput
from indexer.ports import VectorStore
from indexer.spaces import filling


def switch(
    store: VectorStore,
    name: str,
    space: str,
    *,
    kinds: Sequence[Kind] = (),
    force: bool = False,
) -> Collection:
    """Let a Space answer from now on wherever it can, and remember what answered before.

    `kinds` limits it to where such assets are looked for; by default all that the Space holds.
    Raises `InvalidInput` for a Space or Kind that is not there, and `Conflict` while assets still
    wait for their vectors, unless it is forced.
    """
    chosen = collections.get(store, name).space(space)
    _check_kinds(name, chosen, kinds)
    if not force:
        _check_filled(store, name, chosen)

    def switched(now: Collection) -> Collection:
        now.space(chosen.name)
        before = serving(now)
        after = {**before, **dict.fromkeys(sorted(kinds or chosen.kinds), chosen.name)}
        if after == before:
            # So it was by itself: said now, it stays so when a better fitting Space is filled.
            return replace(now, serving=after)
        return replace(now, serving=after, served_before=before)

    return collections.change(store, name, switched)


def switch_back(store: VectorStore, name: str) -> Collection:
    """Undo the last switch; once more undoes that. Raises `Conflict` if there was none."""

    def restored(now: Collection) -> Collection:
        if now.served_before is None:
            raise Conflict(
                f"Collection {name!r} knows no space to go back to: none was switched, or it was "
                "dropped since. Name one: semblance spaces switch NAME.",
                collection=name,
            )
        return replace(now, serving=now.served_before, served_before=serving(now))

    return collections.change(store, name, restored)


def serving(collection: Collection) -> Mapping[Kind, str]:
    """The name of the Space that answers by default, by the Kind that is looked for."""
    return {
        kind: space.name for kind in Kind if (space := serving_space(collection, kind)) is not None
    }


def serves(collection: Collection, space: str) -> list[Kind]:
    """The Kinds for which this Space answers by default."""
    return [kind for kind, name in serving(collection).items() if name == space]


def _check_kinds(name: str, space: Space, kinds: Sequence[Kind]) -> None:
    foreign = sorted(set(kinds) - space.kinds)
    if foreign:
        held = " and ".join(sorted(space.kinds))
        raise InvalidInput(
            f"Space {space.name!r} of collection {name!r} holds {held} only and cannot serve "
            f"{' or '.join(foreign)}.",
            collection=name,
            space=space.name,
        )


def _check_filled(store: VectorStore, name: str, space: Space) -> None:
    filled = filling(store, name, space)
    if filled.waiting:
        raise Conflict(
            f"Space {space.name!r} of collection {name!r} has {filled.vectors:,} of "
            f"{filled.wanted:,} vectors; what waits for one would not be found. Switch when it is "
            "filled, or force it.",
            collection=name,
            space=space.name,
            waiting=filled.waiting,
        )
