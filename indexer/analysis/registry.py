"""Every analysis there is, by name."""

from __future__ import annotations

from collections.abc import Mapping

from indexer.analysis import (
    clusters,
    comparison,
    duplicates,
    maps,
    neighbour_lists,
    outliers,
    quality,
)
from indexer.analysis.labels import classification, label_errors, probe, propagation
from indexer.analysis.method import Method

_ALL: tuple[Method, ...] = (
    *(duplicates.METHOD, duplicates.ACCESSION),
    *(outliers.METHOD, quality.METHOD, clusters.METHOD, maps.METHOD, comparison.METHOD),
    *(classification.METHOD, propagation.METHOD, label_errors.METHOD, probe.METHOD),
    neighbour_lists.METHOD,
)

METHODS: Mapping[str, Method] = {method.name: method for method in _ALL}
