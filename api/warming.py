"""Loads the default model beside the first requests, so that no search has to wait for it."""

from __future__ import annotations

import logging
import threading

from indexer.domain import Kind
from indexer.errors import ModelUnavailable, SemblanceError
from indexer.ports import Embedders

log = logging.getLogger(__name__)

RETRY_SECONDS = 30.0
"""Between attempts: a hub that was out of reach at the start may be within it later."""


class Warming:
    """The default model on its way into memory."""

    def __init__(self, embedders: Embedders, model: str) -> None:
        self.model = model
        self._embedders = embedders
        self._error: SemblanceError | None = None
        self._done = threading.Event()

    def start(self) -> None:
        """Begin in a thread; the interpreter does not wait for it at exit."""
        threading.Thread(target=self._keep_trying, name="warm", daemon=True).start()

    def check(self) -> None:
        """Raise `ModelUnavailable` while the model is loading, or what kept it from loading."""
        if self._error is not None:
            raise self._error
        if not self._done.is_set():
            raise ModelUnavailable(
                f"The model {self.model!r} is being loaded; try again in a few seconds.",
                model=self.model,
            )

    def _keep_trying(self) -> None:
        self._load()
        while not self._done.wait(RETRY_SECONDS):
            self._load()

    def _load(self) -> None:
        try:
            embedder = self._embedders.get(self.model)
            if Kind.TEXT in embedder.kinds:
                # The first call costs most: it sets up the library's threads and buffers.
                embedder.embed_queries(["warm"])
        except SemblanceError as error:
            log.warning("The default model is not there: %s", error.message)
            self._error = error
        except Exception as error:
            log.exception("The default model %s did not load.", self.model)
            self._error = ModelUnavailable(
                f"The model {self.model!r} did not load: {error}", model=self.model
            )
        else:
            self._error = None
            self._done.set()
