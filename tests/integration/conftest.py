"""A running server with the real store and the real model, shared by the tests of the API."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.listening import listen
from api.main import create_app
from api.server import running
from indexer.build import Engine, open_engine
from indexer.settings import Settings
from worker.queue import open_queue

TOKEN = "the owner's token"
MAX_FILE_BYTES = 4 * 1024**2


@dataclass(frozen=True)
class Live:
    """A server on a loopback port: `owner` sends the token, `client` sends nothing."""

    url: str
    engine: Engine
    open_folder: Path
    owner: httpx.Client
    client: httpx.Client

    def settled(self, collection: str, job: str) -> dict[str, Any]:
        """The job when it has ended."""
        for _ in range(600):
            told: dict[str, Any] = self.owner.get(f"/v1/collections/{collection}/jobs/{job}").json()
            if told["state"] in ("done", "failed"):
                return told
            time.sleep(0.1)
        raise AssertionError(f"The job did not end: {told}")


@pytest.fixture(scope="session")
def live(fast_folder: Path) -> Iterator[Live]:
    folder = fast_folder / "live"
    (folder / "open").mkdir(parents=True)
    settings = Settings(
        data=folder / "data",
        port=0,
        folders=(folder / "open",),
        max_file_bytes=MAX_FILE_BYTES,
        workers=2,
    )
    with ExitStack() as stack:
        engine = open_engine(settings)
        stack.callback(engine.close)
        if not engine.embedders.available("mini").on_disk:
            pytest.skip("the weights of mini are not in this checkout")
        listener = stack.enter_context(listen(settings))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = create_app(engine, open_queue(engine), token=TOKEN)
        stack.enter_context(running(app, listener))
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        owner = stack.enter_context(httpx.Client(base_url=url, timeout=60, headers=bearer))
        client = stack.enter_context(httpx.Client(base_url=url, timeout=60))
        while owner.get("/readyz").status_code != 200:
            time.sleep(0.1)
        yield Live(url, engine, folder / "open", owner, client)


@pytest.fixture
def collection(live: Live) -> Iterator[str]:
    """The name of a collection of its own for one test."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    live.owner.post("/v1/collections", json={"name": name}).raise_for_status()
    yield name
    live.owner.delete(f"/v1/collections/{name}")
