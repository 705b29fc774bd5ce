"""A bounded cache of thumbnails on the local disk: a page of sixty is not fetched each time."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

_SLOTS = 8192
"""Files that there may be; at some 10 kB each the cache stays below a hundred megabytes."""


class ThumbnailCache:
    """Each name has one slot, which the latest of its names holds.

    So there is nothing to count and nothing to clear, and several processes may share the folder.
    A slot's file has the name on its first line. Whatever goes wrong is a miss.
    """

    def __init__(self, folder: Path, slots: int = _SLOTS) -> None:
        self._folder = folder
        self._slots = slots

    def get(self, name: str) -> bytes | None:
        """The thumbnail, if its slot holds it."""
        try:
            held, _, data = self._slot(name).read_bytes().partition(b"\n")
        except OSError:
            return None
        return data if held == name.encode() else None

    def put(self, name: str, data: bytes) -> None:
        """Keep the thumbnail in place of the slot's last one."""
        slot = self._slot(name)
        with contextlib.suppress(OSError):
            slot.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=slot.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(name.encode() + b"\n" + data)
                os.replace(temporary, slot)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise

    def forget(self, name: str) -> None:
        """Empty the slot if it holds the thumbnail."""
        if self.get(name) is not None:
            with contextlib.suppress(OSError):
                self._slot(name).unlink(missing_ok=True)

    def _slot(self, name: str) -> Path:
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % self._slots
        return self._folder / f"{number:04}"
