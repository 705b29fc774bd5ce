"""A tree of clusters as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
"""A row of the table `hierarchy`."""


def lines(nodes: Sequence[Row], groups: int | None = None) -> Iterator[str]:
    """One line a node, its children below it and further in; from the root, or from a cut.

    Cut into so many groups, each group is a line, and its clusters are below it.
    """
    known = {node["node"]: node for node in nodes}
    if groups is None:
        for node in nodes:
            if node["parent"] is None:
                yield from _below(node, known, "")
        return
    groups = min(groups, max((node["groups"] for node in nodes), default=1))
    for node in sorted(nodes, key=lambda one: -one["size"]):
        above = known.get(node["parent"])
        if node["groups"] >= groups and (above is None or above["groups"] < groups):
            yield _line(node)
            if node["children"]:
                yield from (f"  {_line(known[one])}" for one in node["clusters"])


def _below(node: Row, known: Mapping[int, Row], indent: str) -> Iterator[str]:
    waiting = [(node, indent)]
    while waiting:  # a chain of clusters may be deeper than calls may be nested
        node, indent = waiting.pop()
        yield f"{indent}{_line(node)}"
        below = sorted((known[child] for child in node["children"]), key=lambda one: one["size"])
        waiting += [(child, indent + "  ") for child in below]


def _line(node: Row) -> str:
    if node["children"]:
        return (
            f"{node['size']:,} in {len(node['clusters'])} clusters, alike {node['similarity']:.2f}"
        )
    return f"{node['node']}: {node['name']} ({node['size']:,})"
