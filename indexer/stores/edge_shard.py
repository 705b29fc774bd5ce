"""A Collection's shard of qdrant-edge, while it is open."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import qdrant_edge as qe

from indexer.stores.validation import check_space


class OpenShard:
    """A Collection's shard in use; whoever holds `lock` may call the engine."""

    def __init__(self, shard: qe.EdgeShard, folder: Path, dimensions: dict[str, int]) -> None:
        self.shard = shard
        self.folder = folder
        self.dimensions = dimensions
        self.lock = threading.RLock()
        self.closed = False

    def wanted(self, spaces: Sequence[str]) -> list[str] | bool:
        """Which vectors a call is to bring along; False for none."""
        return [check_space(space, self.dimensions, "The request") for space in spaces] or False

    def used_bytes(self) -> int:
        """Disk space that the Collection takes up."""
        return sum(file.lstat().st_blocks * 512 for file in self.folder.rglob("*"))

    def close(self) -> None:
        with self.lock:
            if not self.closed:
                self.closed = True
                self.shard.close()
