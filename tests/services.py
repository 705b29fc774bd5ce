"""The services that tests stand on: named by their URL, or else installed here, or else in Docker.

    SEMBLANCE_TEST_REDIS_URL    a Redis whose database may be emptied
    SEMBLANCE_TEST_QDRANT_URL   a Qdrant server

`RedisServer` is stopped and started by tests; one that was named is not ours to stop.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError

QDRANT_IMAGE = "qdrant/qdrant:v1.20.0"
REDIS_IMAGE = "redis:8.2-alpine"
PATIENCE_SECONDS = 120.0


class RedisServer:
    """A Redis that runs already, by its URL."""

    def __init__(self, url: str) -> None:
        self.url = url

    def start(self) -> None:
        """Return when it answers, with nothing in it if it was not ours before."""
        until(self._answers, f"Redis does not answer at {self.url}")
        self.flush()

    def stop(self) -> None:
        """End it at once; idempotent."""

    def interrupt(self) -> None:
        """End it at once, to be started again; skips where it is not ours to end."""
        pytest.skip("a Redis that was named by its URL is not ours to stop")

    def resume(self) -> None:
        """Start it again, with what it wrote to disk."""

    def flush(self) -> None:
        """Forget everything, as a Redis without a disk does that is started anew."""
        with Redis.from_url(self.url) as client:
            client.flushdb()

    def waiting(self, *lists: str) -> int:
        """How many messages are in these lists."""
        with Redis.from_url(self.url) as client:
            return sum(int(client.llen(name)) for name in lists)

    def _answers(self) -> bool:
        try:
            with Redis.from_url(self.url) as client:
                return bool(client.ping())
        except RedisError:
            return False


class LocalRedis(RedisServer):
    """The program that is installed here, on a loopback port of its own."""

    def __init__(self, folder: Path, options: list[str]) -> None:
        self._port = free_port()
        super().__init__(f"redis://127.0.0.1:{self._port}/0")
        self._words = ["redis-server", "--port", str(self._port), "--bind", "127.0.0.1"]
        self._words += ["--dir", str(folder), *options]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.resume()

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def interrupt(self) -> None:
        self.stop()

    def resume(self) -> None:
        self._process = subprocess.Popen(self._words, stdout=subprocess.DEVNULL)
        until(self._answers, "Redis did not start")


class DockerRedis(RedisServer):
    """One in Docker, on a loopback port."""

    def __init__(self, options: list[str]) -> None:
        from testcontainers.core.container import DockerContainer

        port = free_port()
        super().__init__(f"redis://127.0.0.1:{port}/0")
        command = " ".join(["redis-server", *(option or "''" for option in options)])
        container = DockerContainer(REDIS_IMAGE).with_bind_ports(6379, port)
        self._container: Any = container.with_command(command)

    def start(self) -> None:
        self._container.start()
        until(self._answers, "Redis did not start")

    def stop(self) -> None:
        self._container.stop()

    def interrupt(self) -> None:
        self._container.get_wrapped_container().kill()

    def resume(self) -> None:
        self._container.get_wrapped_container().start()
        until(self._answers, "Redis did not start again")


def redis_server(folder: Path, *, append_only: bool = False) -> RedisServer:
    """A Redis, not started; fails or skips the test where there is none to be had."""
    options = ["--appendonly", "yes" if append_only else "no", "--save", ""]
    if named := os.environ.get("SEMBLANCE_TEST_REDIS_URL"):
        return RedisServer(named)
    if shutil.which("redis-server"):
        return LocalRedis(folder, options)
    if docker_answers():
        return DockerRedis(options)
    missing = "no Redis: redis-server is not installed, and Docker does not answer"
    if os.environ.get("SEMBLANCE_REQUIRE_SERVICES") == "1":
        pytest.fail(f"required here: {missing}")
    pytest.skip(missing)


@contextmanager
def qdrant_server() -> Iterator[str | None]:
    """The URL of a Qdrant server that is named, or runs in Docker; None where there is neither."""
    if named := os.environ.get("SEMBLANCE_TEST_QDRANT_URL"):
        yield named
        return
    if not docker_answers():
        yield None
        return
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.waiting_utils import wait_for_logs

    server = DockerContainer(QDRANT_IMAGE).with_bind_ports(6333, 6333).with_bind_ports(6334, 6334)
    with server as container:
        wait_for_logs(container, "gRPC listening", timeout=60)
        yield "http://localhost:6333"


@cache
def docker_answers() -> bool:
    """True if containers can be started here."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    return subprocess.run([docker, "info"], capture_output=True).returncode == 0


def free_port() -> int:
    """A port on this machine that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def until(holds: Callable[[], bool], otherwise: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Return when it holds. Raises `AssertionError` if that takes too long."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(otherwise)
        time.sleep(0.05)
