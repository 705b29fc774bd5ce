"""Every analysis there is, by name."""

from __future__ import annotations

from collections.abc import Mapping

from indexer.analysis.duplicates import ACCESSION, DUPLICATES
from indexer.analysis.method import Method

_ALL: tuple[Method, ...] = (DUPLICATES, ACCESSION)

METHODS: Mapping[str, Method] = {method.name: method for method in _ALL}
