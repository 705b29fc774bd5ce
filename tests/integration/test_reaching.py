"""With a real Redis: how long the queue is, and readiness that follows Redis while life goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from celery import Celery
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from api.listening import listen
from api.main import create_app
from api.server import running
from indexer.build import open_engine
from indexer.settings import Settings
from worker.queue import open_queue
from worker.queues import SEPARATOR, STEPS

pytestmark = pytest.mark.services


@contextmanager
def redis_at(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Redis server of our own; skips, or in CI fails, where there is none."""
    if shutil.which("redis-server") is None:
        if os.environ.get("SEMBLANCE_REQUIRE_SERVICES") == "1":
            pytest.fail("redis-server is required here and not installed")
        pytest.skip("REDIS IS NOT TESTED: redis-server is not installed")
    socket = folder / "redis.sock"
    command = ["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", ""]
    server = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not socket.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        yield server
    finally:
        server.terminate()
        server.wait(10)


@contextmanager
def server_on(folder: Path) -> Iterator[httpx.Client]:
    """A server that is told of the Redis; its store and its jobs are inside it."""
    settings = Settings(data=folder / "data", port=0)
    told = settings.model_copy(update={"redis_url": f"redis+socket://{folder}/redis.sock"})
    with ExitStack() as stack:
        engine = open_engine(settings)
        stack.callback(engine.close)
        app = create_app(replace(engine, settings=told), open_queue(engine), token=None)
        listener = stack.enter_context(listen(settings))
        stack.enter_context(running(app, listener))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield stack.enter_context(httpx.Client(base_url=url, timeout=60))


def waiting(client: httpx.Client) -> dict[tuple[str, str], float]:
    """Jobs by queue and priority, of those that have any."""
    return {
        (sample.labels["queue"], sample.labels["priority"]): sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
        if sample.name == "semblance_queue_jobs" and sample.value
    }


def test_jobs_in_redis_are_counted_by_queue_and_priority(tmp_path: Path) -> None:
    with redis_at(tmp_path), server_on(tmp_path) as client:
        assert waiting(client) == {}
        app = Celery(broker=f"redis+socket://{tmp_path}/redis.sock")
        steps = {"priority_steps": list(STEPS), "sep": SEPARATOR}
        app.conf.update(broker_transport_options=steps)
        for queue, priority in (("images", 0), ("images", 6), ("images", 6), ("texts", 3)):
            app.send_task("any", queue=queue, priority=priority)
        app.close()
        assert waiting(client) == {("images", "0"): 1, ("images", "6"): 2, ("texts", "3"): 1}
        with Redis(unix_socket_path=str(tmp_path / "redis.sock")) as redis:
            redis.hset("unacked", "one", "job")
        assert "semblance_queue_unacked 1.0" in client.get("/metrics").text


def test_a_server_without_redis_lives_and_is_not_ready(tmp_path: Path) -> None:
    with redis_at(tmp_path) as redis, server_on(tmp_path) as client:
        deadline = time.monotonic() + 60
        while client.get("/readyz").status_code != 200 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert client.get("/readyz").json()["status"] == "ready"
        redis.terminate()
        redis.wait(10)
        time.sleep(1.1)
        away = client.get("/readyz")
        assert (away.status_code, away.json()["code"]) == (503, "queue_unavailable")
        assert client.get("/healthz").status_code == 200
        assert "semblance_queue_reachable 0.0" in client.get("/metrics").text
