"""What has been read of an incoming folder so far, so that what follows is held against it too."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from indexer.analysis.duplicates.incoming import Incoming
from indexer.analysis.duplicates.views import View
from indexer.domain import AssetId


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a view's greys are in the file, and the rest of it."""

    offset: int
    shape: tuple[int, ...]
    chroma: float
    size: tuple[int, int]


class Arrivals:
    """Paths, vectors, hashes and texts in memory; the views in a temporary file."""

    def __init__(self, dimension: int) -> None:
        self.paths: list[str] = []
        self.uris: list[str] = []
        self.texts: list[str | None] = []
        self.by_id: dict[AssetId, int] = {}
        self._places: list[_Place | None] = []
        self._vectors = np.empty((256, dimension), np.float32)
        self._hashes = np.zeros(256, np.uint64)
        self._usable = np.zeros(256, np.bool_)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this

    def __enter__(self) -> Arrivals:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def vectors(self) -> NDArray[np.float32]:
        return self._vectors[: len(self)]

    @property
    def hashes(self) -> NDArray[np.uint64]:
        return self._hashes[: len(self)]

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Whether each has a hash."""
        return self._usable[: len(self)]

    def add(self, one: Incoming, hash: np.uint64 | None) -> None:
        """Take one that could be read; `hash` is None for what shows nothing, and for texts."""
        number = len(self)
        if number == len(self._vectors):
            self._vectors = np.concatenate([self._vectors, np.empty_like(self._vectors)])
            self._hashes = np.concatenate([self._hashes, np.zeros_like(self._hashes)])
            self._usable = np.concatenate([self._usable, np.zeros_like(self._usable)])
        assert one.vector is not None
        assert one.id is not None
        self._vectors[number] = one.vector
        if hash is not None:
            self._hashes[number] = hash
            self._usable[number] = True
        self._places.append(None if one.view is None else self._written(one.view))
        self.texts.append(one.text)
        self.uris.append(one.uri)
        self.by_id.setdefault(one.id, number)
        self.paths.append(one.path)

    def view(self, number: int) -> View | None:
        """The view of the one that came with this number; None for a text."""
        place = self._places[number]
        if place is None:
            return None
        self._file.seek(place.offset)
        greys = np.frombuffer(self._file.read(int(np.prod(place.shape))), np.uint8)
        return View(greys.reshape(place.shape), place.chroma, place.size)

    def _written(self, view: View) -> _Place:
        offset = self._file.seek(0, 2)
        self._file.write(view.grey.tobytes())
        return _Place(offset, view.grey.shape, view.chroma, view.size)
