"""Jobs through a real Redis to a real Celery worker."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery.contrib.testing.worker import start_worker
from redis import Redis

from indexer.errors import QueueUnavailable
from indexer.settings import Settings
from tests.fakes import ColourEmbedder
from tests.lab import Lab, found_text, open_lab
from worker.celery_app import CeleryQueue, make_app
from worker.tasks import make_worker

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis server of our own on a socket; skips, or in CI fails, where there is none."""
    if shutil.which("redis-server") is None:
        if os.environ.get("SEMBLANCE_REQUIRE_SERVICES") == "1":
            pytest.fail("redis-server is required here and not installed")
        pytest.skip("REDIS IS NOT TESTED: redis-server is not installed")
    folder = tmp_path_factory.mktemp("redis")
    socket = folder / "redis.sock"
    command = ["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", ""]
    server = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        _until_it_answers(socket)
        yield f"redis+socket://{socket}"
    finally:
        server.terminate()
        server.wait(10)


def _until_it_answers(socket: Path) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if socket.exists():
            with Redis(unix_socket_path=str(socket)) as client:
                client.ping()
            return
        time.sleep(0.05)
    pytest.fail("redis-server did not start within ten seconds")


@pytest.fixture
def lab(fast_folder: Path) -> Iterator[Lab]:
    yield from open_lab(fast_folder / uuid.uuid4().hex, ColourEmbedder())


def test_a_celery_worker_indexes_what_was_ingested(lab: Lab, redis_url: str) -> None:
    settings = Settings(redis_url=redis_url)
    queue = CeleryQueue(make_app(settings))
    lab.ingest(*(found_text(f"/{n}.txt", f"red {n}") for n in range(300)), queue=queue)
    assert lab.totals.pending == 300
    worker = make_worker(settings, lambda: lab.indexer)
    with start_worker(worker, pool="solo", perform_ping_check=False):
        deadline = time.monotonic() + 60
        while lab.totals.pending and time.monotonic() < deadline:
            time.sleep(0.1)
    queue.close()
    assert (lab.totals.indexed, lab.totals.pending) == (300, 0)


def test_redis_out_of_reach_loses_nothing(lab: Lab, tmp_path: Path) -> None:
    settings = Settings(redis_url=f"redis+socket://{tmp_path}/nobody.sock")
    queue = CeleryQueue(make_app(settings))
    with pytest.raises(QueueUnavailable, match="pending"):
        lab.ingest(found_text("/a.txt", "red"), queue=queue)
    assert lab.totals.pending == 1
