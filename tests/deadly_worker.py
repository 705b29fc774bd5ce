"""A worker that dies of some pictures, or never ends with them: `python -m tests.deadly_worker`.

Its model is the only thing that is not real: it ends the process when it meets a picture that is
all black, and hangs at one that is all white. Everything around it is what `semblance worker` runs.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from indexer.build import open_engine
from indexer.embedders.loading import LoadedEmbedders
from indexer.ports import Embedder, Pixels, Vectors
from indexer.settings import Settings
from worker.process import THREADS, work


class Deadly:
    """A real Embedder, but for two pictures."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def __getattr__(self, name: str) -> object:
        return getattr(self._embedder, name)

    def embed_images(self, prepared: Sequence[Pixels]) -> Vectors:
        for pixels in prepared:
            if np.max(pixels) == 0:
                os._exit(139)
            if np.min(pixels) == 255:
                time.sleep(3600)
        time.sleep(0.2)  # so that others are at work when one ends the process
        return self._embedder.embed_images(prepared)


class DeadlyEmbedders:
    """Gives the real Embedders, made deadly."""

    def __init__(self, embedders: LoadedEmbedders) -> None:
        self._embedders = embedders

    def get(self, name: str) -> Embedder:
        deadly: Embedder = Deadly(self._embedders.get(name))  # type: ignore[assignment]
        return deadly


def main() -> None:
    engine = open_engine(Settings())
    indexer = replace(engine.indexer, embedders=DeadlyEmbedders(engine.embedders))
    work(replace(engine, indexer=indexer), ["images"], THREADS, lambda: None)


if __name__ == "__main__":
    main()
