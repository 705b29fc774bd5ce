"""Makes a shard openable again after a kill in the midst of adding or dropping a Space.

The engine changes its segments one after the other and its own description last; one that was
killed in between refuses to open ("Incompatible configs"). A Space that is not everywhere is half
made or half gone. It is removed everywhere: the operation is the last one in the engine's log,
which then makes it anew, or finds it gone.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

_CONFIG = "edge_config.json"
_OF_A_SPACE = ("vector_storage-", "vector_index-", "vector_quantized-")


@dataclass(frozen=True, slots=True)
class _Part:
    """The engine's description, or a segment: a JSON file in which `vectors` are listed."""

    file: Path
    content: dict[str, Any]
    vectors: dict[str, Any]
    sparse: Mapping[str, Any]

    @property
    def dimensions(self) -> set[tuple[str, int]]:
        return {(name, int(vector["size"])) for name, vector in self.vectors.items()}


def dimensions_of(shard: Path) -> dict[str, int]:
    """Dimension by Space name. Raises `ValueError`, `KeyError`, `OSError` if it is not readable."""
    return dict(sorted(_description(shard).dimensions))


def reconcile(shard: Path) -> None:
    """Take Spaces that are not everywhere out of all segments; nothing is done where all agree.

    The engine must not have the shard open.
    """
    segments = [_segment(file) for file in sorted(shard.glob("segments/*/segment.json"))]
    # what has no version was not finished; the engine itself clears it away
    segments = [part for part in segments if (part.file.parent / "version.info").exists()]
    parts = [_description(shard), *segments]
    everywhere = set.intersection(*(part.dimensions for part in parts))
    for part in parts:
        torn = sorted(name for name, size in part.dimensions if (name, size) not in everywhere)
        if torn:
            log.warning("Removing the half-made space %s from %s.", ", ".join(torn), part.file)
            for name in torn:
                del part.vectors[name]
            _write(part.file, part.content)
    for segment in segments:
        _clear(segment)


def _clear(segment: _Part) -> None:
    """Remove files of Spaces that the segment does not list: they would be in the way."""
    listed = {*segment.vectors, *segment.sparse}
    for entry in segment.file.parent.iterdir():
        for prefix in _OF_A_SPACE:
            if entry.name.startswith(prefix) and entry.name[len(prefix) :] not in listed:
                shutil.rmtree(entry, ignore_errors=True)


def _description(shard: Path) -> _Part:
    file = shard / _CONFIG
    content = json.loads(file.read_bytes())
    return _Part(file, content, content["vectors"], content.get("sparse_vectors") or {})


def _segment(file: Path) -> _Part:
    content = json.loads(file.read_bytes())
    config = content["config"]
    return _Part(file, content, config["vector_data"], config.get("sparse_vector_data") or {})


def _write(file: Path, content: Mapping[str, Any]) -> None:
    # in one step: a kill here leaves the old file or the new one
    unfinished = file.with_name(f".{file.name}.new")
    with unfinished.open("w") as written:
        json.dump(content, written)
        written.flush()
        os.fsync(written.fileno())
    unfinished.rename(file)
