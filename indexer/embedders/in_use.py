"""What is known of a model that is in memory."""

from __future__ import annotations

from dataclasses import dataclass

from indexer.embedders.compiled import Towered
from indexer.ports import Embedder


@dataclass(frozen=True, slots=True)
class InUse:
    """A model in memory, where it runs, and whether in its compiled form."""

    name: str
    fingerprint: str
    device: str
    compiled: bool


def in_use(embedder: Embedder) -> InUse:
    """What the Embedder is at this moment; one without towers runs on the processor."""
    towers = [*embedder.towers.values()] if isinstance(embedder, Towered) else []
    device = next((tower.device for tower in towers), "cpu")
    compiled = any(tower.compiled for tower in towers)
    return InUse(embedder.name, embedder.fingerprint, device, compiled)
