"""Assets found in several places: equal byte by byte, so they are one asset already."""

from __future__ import annotations

from collections.abc import Iterator

from indexer.analysis.duplicates.pictures import assets
from indexer.analysis.gathering import payloads
from indexer.analysis.subject import Subject
from indexer.batches import batches
from indexer.domain import Asset, Payload
from indexer.ledger import PAGE


def several_sources(subject: Subject) -> Iterator[Asset]:
    """The Subject's assets with more than one source."""
    access, name = subject.access, subject.collection.name
    for batch in batches(subject.ids, PAGE):
        known = payloads(access.store, name, batch, ("sources",))
        several = [id for id, payload in zip(batch, known, strict=True) if _count(payload) > 1]
        yield from assets(access, name, several).values()


def _count(payload: Payload) -> int:
    sources = payload.get("sources")
    return len(sources) if isinstance(sources, list) else 0
