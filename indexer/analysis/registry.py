"""Every analysis there is, by name."""

from __future__ import annotations

from collections.abc import Mapping

from indexer.analysis import comparison, maps, neighbour_lists
from indexer.analysis.method import Method

_ALL: tuple[Method, ...] = (
    neighbour_lists.METHOD,
    maps.METHOD,
    comparison.METHOD,
)

METHODS: Mapping[str, Method] = {method.name: method for method in _ALL}
