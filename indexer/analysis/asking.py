"""From what a person asks to a Request: which Space and Kind, and whether it can be at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from indexer import collections
from indexer.analysis import entries
from indexer.analysis.entry import Analysis, Request, Within
from indexer.analysis.gathering import Scope
from indexer.analysis.method import Method
from indexer.analysis.registry import METHODS
from indexer.choosing import serving_space
from indexer.collections import Collection
from indexer.domain import Kind, Space, Status
from indexer.errors import InvalidInput, TooFewAssets
from indexer.filter_json import parse_filter
from indexer.filters import Equals
from indexer.ledger import assets_where, status_is
from indexer.ports import VectorStore


@dataclass(frozen=True, slots=True)
class Asked:
    """An analysis as a person asks for it; what is None is chosen.

    `space` is a Space's name or its model's; `filter` a filter's JSON.
    """

    name: str
    space: str | None = None
    kind: Kind | None = None
    filter: Mapping[str, object] | None = None
    within: Within | None = None
    parameters: Mapping[str, object] | None = None


def method_named(name: str) -> Method:
    """Raises `InvalidInput` naming the analyses there are."""
    if name not in METHODS:
        known = ", ".join(METHODS)
        raise InvalidInput(f"There is no analysis called {name!r}. There are: {known}.", name=name)
    return METHODS[name]


def ask(store: VectorStore, collection: str, asked: Asked) -> Analysis:
    """Write the analysis into the ledger, to be run.

    Raises `InvalidInput` for a name, parameter, Space or Kind that is not there or does not fit,
    and `TooFewAssets`: what cannot succeed is not begun.
    """
    method = method_named(asked.name)
    parameters = method.chosen(asked.parameters or {})
    described = collections.get(store, collection)
    space, kind = _place(store, described, method, asked)
    within = asked.within
    if within is not None:
        earlier = entries.named(store, collection, within.analysis)
        within = Within(earlier.id, within.table, within.column, within.equals)
    request = Request(
        name=method.name,
        space=space.name,
        kind=kind,
        filter=asked.filter,
        within=within,
        parameters=parameters.model_dump(mode="json"),
    )
    _check_enough(store, scope_of(described, request), method)
    return entries.keep(store, entries.new(collection, request, space.fingerprint))


def as_before(analysis: Analysis) -> Asked:
    """What was asked then, to be asked again over what is there now."""
    asked = analysis.request
    return Asked(asked.name, asked.space, asked.kind, asked.filter, asked.within, asked.parameters)


def scope_of(collection: Collection, request: Request) -> Scope:
    """The assets that a request is about, but for `within`."""
    condition = None if request.filter is None else parse_filter(request.filter)
    return Scope(collection.name, collection.space(request.space), request.kind, condition)


def check_enough(method: Method, scope: Scope, count: int, without: int) -> None:
    """Raises `TooFewAssets` if the analysis makes no sense of so many."""
    if count >= method.least:
        return
    what = "assets" if scope.kind is None else f"{scope.kind.value}s"
    have = f"{count:,} {what} with a vector in space {scope.space.name!r}"
    why = f" ({without:,} more have none there)" if without else ""
    remedy = "index more" if scope.condition is None else "widen the filter, or index more"
    raise TooFewAssets(
        f"The analysis {method.name!r} needs at least {method.least}; there are {have} in "
        f"collection {scope.collection!r}{why}. To go on, {remedy}.",
        collection=scope.collection,
        space=scope.space.name,
        assets=count,
        least=method.least,
    )


def _check_enough(store: VectorStore, scope: Scope, method: Method) -> None:
    count = store.count(scope.collection, scope.with_vector())
    if count < method.least:
        without = store.count(scope.collection, scope.without_vector())
        check_enough(method, scope, count, without)


def _place(
    store: VectorStore, collection: Collection, method: Method, asked: Asked
) -> tuple[Space, Kind | None]:
    if asked.space is None:
        kind = asked.kind or _first_kind(store, collection, set(Kind))
        space = serving_space(collection, kind)
        if space is None:
            raise InvalidInput(
                f"Collection {collection.name!r} has no space for {kind.value}s; name another "
                "kind, or add a model that reads them: `semblance spaces add MODEL`.",
                collection=collection.name,
                kind=kind.value,
            )
    else:
        space = collection.space(asked.space)
        kind = asked.kind or _first_kind(store, collection, set(space.kinds))
    if kind not in space.kinds:
        held = " and ".join(sorted(space.kinds))
        raise InvalidInput(
            f"Space {space.name!r} of collection {collection.name!r} holds {held} only, no "
            f"{kind.value}s.",
            collection=collection.name,
            space=space.name,
        )
    if asked.kind is None and method.mixes_kinds and len(space.kinds) > 1:
        return space, None
    return space, kind


def _first_kind(store: VectorStore, collection: Collection, kinds: set[Kind]) -> Kind:
    """Pictures if there are any, else texts, of the Kinds that can be."""
    for kind in (Kind.IMAGE, Kind.TEXT):
        if kind in kinds:
            indexed = assets_where(status_is(Status.INDEXED), Equals("kind", kind.value))
            if len(kinds) == 1 or store.count(collection.name, indexed):
                return kind
    return Kind.IMAGE if Kind.IMAGE in kinds else Kind.TEXT
