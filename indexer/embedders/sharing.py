"""Queries of many people at once: asked together in one forward pass, and remembered."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from itertools import islice
from typing import Final

import numpy as np
import PIL.Image

from indexer.domain import Kind
from indexer.embedders.compiled import Towered
from indexer.errors import Unavailable
from indexer.ports import Embedder, Logits, Pixels, Trained, Vectors

REMEMBERED: Final = 4096
"""Queries whose vectors are kept, 6 MB of them at 384 dimensions."""

TOGETHER: Final = 32
"""Queries in one forward pass at most."""

LONGEST: Final = 512
"""Characters of a text that is remembered; longer ones are pasted once, and fill memory."""


class SharedQueries:
    """An Embedder that answers `embed_queries` for several threads with one forward pass.

    Nobody waits for company: the first thread starts at once, and what arrives while it computes
    goes together into the next pass. Everything but queries is passed on as it is.
    """

    def __init__(self, embedder: Embedder, *, remembered: int = REMEMBERED) -> None:
        """`remembered` counts the query texts whose vectors are kept, those asked last."""
        self.name: Final = embedder.name
        self.fingerprint: Final = embedder.fingerprint
        self.dimension: Final = embedder.dimension
        self.kinds: Final[frozenset[Kind]] = embedder.kinds
        self.image_size: Final = embedder.image_size
        self.text_window: Final = embedder.text_window
        self.count_tokens: Final = embedder.count_tokens
        self.towers: Final = embedder.towers if isinstance(embedder, Towered) else {}
        self.logits: Final[Mapping[Kind, Logits]] = (
            embedder.logits if isinstance(embedder, Trained) else {}
        )
        self._embedder: Final = embedder
        self._remembered = remembered
        self._known: OrderedDict[str, Vectors] = OrderedDict()
        self._wanted: dict[str, Future[Vectors]] = {}
        self._waiting: deque[str] = deque()
        self._lock = threading.Lock()
        self._turn = threading.Lock()

    def prepare(self, image: PIL.Image.Image) -> Pixels:
        """As the Embedder itself."""
        return self._embedder.prepare(image)

    def embed_images(self, prepared: Sequence[Pixels]) -> Vectors:
        """As the Embedder itself."""
        return self._embedder.embed_images(prepared)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """As the Embedder itself."""
        return self._embedder.embed_texts(texts)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (n, dimension), of queries."""
        futures = [self._ask(text) for text in texts]
        while not all(future.done() for future in futures):
            # Whoever holds the turn computes for all who wait; the others find their answer made.
            with self._turn:
                if not all(future.done() for future in futures):
                    self._answer()
        if not futures:
            return np.empty((0, self.dimension), dtype=np.float32)
        return np.stack([future.result() for future in futures])

    def _ask(self, text: str) -> Future[Vectors]:
        with self._lock:
            if text in self._known:
                self._known.move_to_end(text)
                known: Future[Vectors] = Future()
                known.set_result(self._known[text])
                return known
            if text not in self._wanted:
                self._wanted[text] = Future()
                self._waiting.append(text)
            return self._wanted[text]

    def _answer(self) -> None:
        """One forward pass over those who have waited longest."""
        with self._lock:
            texts = list(islice(self._waiting, TOGETHER))
            for _ in texts:
                self._waiting.popleft()
        try:
            self._settle(dict(zip(texts, self._embedder.embed_queries(texts), strict=True)))
        except Exception as error:
            if len(texts) == 1 or isinstance(error, Unavailable):
                self._settle(dict.fromkeys(texts, error))
            else:  # one text may be to blame: the others do not suffer for it
                self._settle({text: self._alone(text) for text in texts})

    def _alone(self, text: str) -> Vectors | Exception:
        try:
            (vector,) = self._embedder.embed_queries([text])
        except Exception as error:
            return error
        return np.asarray(vector)

    def _settle(self, answers: Mapping[str, Vectors | Exception]) -> None:
        with self._lock:
            for text, answer in answers.items():
                future = self._wanted.pop(text)
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                    continue
                future.set_result(answer)
                if len(text) <= LONGEST:
                    self._known[text] = answer
            while len(self._known) > self._remembered:
                self._known.popitem(last=False)
