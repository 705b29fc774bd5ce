"""The server as a process: it starts, is found, picks up what was left, and ends cleanly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from api.server import Address, local_server, published, serve
from indexer.errors import StoreLocked
from indexer.settings import Settings

START = """
from api.server import serve
from indexer.settings import Settings
serve(Settings(), open_browser=False, on_ready=lambda address: print(address.url, flush=True))
"""


@contextmanager
def served(data: Path) -> Iterator[tuple[subprocess.Popen[str], Address]]:
    environment = {**os.environ, "SEMBLANCE_DATA": str(data), "SEMBLANCE_PORT": "0"}
    process = subprocess.Popen(
        [sys.executable, "-c", START], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        address = published(data)
        assert address is not None
        assert address.url == url
        yield process, address
    finally:
        process.kill()
        process.communicate()


def client_of(address: Address) -> httpx.Client:
    transport = httpx.HTTPTransport(uds=address.socket) if address.socket else None
    return httpx.Client(
        base_url=address.url or "http://localhost",
        transport=transport,
        timeout=60,
        headers={"Authorization": f"Bearer {address.token}"},
    )


@pytest.mark.slow
@pytest.mark.parametrize("politely", [signal.SIGTERM, signal.SIGINT])
def test_a_server_ends_cleanly_when_asked(tmp_path: Path, politely: signal.Signals) -> None:
    with served(tmp_path) as (process, address):
        with client_of(address) as client:
            assert client.get("/healthz").json() == {"status": "ok"}
        with pytest.raises(StoreLocked, match=str(process.pid)):
            serve(Settings(data=tmp_path), open_browser=False, on_ready=print)
        process.send_signal(politely)
        assert process.wait(30) == 0
    assert not (tmp_path / "server.json").exists()


@pytest.mark.slow
def test_what_a_killed_server_left_is_picked_up(tmp_path: Path) -> None:
    with served(tmp_path) as (process, address):
        with client_of(address) as client:
            client.post("/v1/collections", json={"name": "things"}).raise_for_status()
            texts = [{"text": f"Text number {n} about the sea."} for n in range(40)]
            added = client.post("/v1/collections/things/assets", json={"texts": texts})
            assert added.status_code == 202
        process.kill()
        process.wait()
    assert published(tmp_path) is None
    with local_server(Settings(data=tmp_path), resume=True) as here, client_of(here) as client:
        for _ in range(600):
            totals = client.get("/v1/collections/things/stats").json()
            if not totals["pending"]:
                break
            time.sleep(0.1)
    assert (totals["found"], totals["indexed"]) == (40, 40)


def test_who_comes_second_uses_the_server_of_the_first(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    with local_server(settings, resume=False) as first:
        with local_server(settings, resume=False) as second:
            assert second == first
        with client_of(first) as client:  # leaving as second has not ended it
            assert client.get("/v1/collections").json() == []
        assert first.socket is not None
        folder = Path(first.socket).parent
    assert not folder.exists()
    assert published(tmp_path) is None
    with local_server(settings, resume=False) as again:
        assert again.token != first.token
