"""A scaled-out installation on this machine: Redis, a Qdrant server, and worker processes.

Redis is the real one, on a port of its own. The Qdrant server is the one that
`SEMBLANCE_TEST_QDRANT_URL` names, or else `tests.qdrant_stand_in`. Workers are processes of the
command line, ended by whatever signal a test sends.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import PIL.Image
from redis import Redis
from redis.exceptions import RedisError

from api.address import published
from api.client import Client
from indexer.settings import Settings
from tests.qdrant_stand_in import StandIn

ROOT = Path(__file__).parent.parent
PATIENCE_SECONDS = 120.0


class RedisServer:
    """A Redis on a loopback port; stopped and started again it has what it wrote to disk."""

    def __init__(self, folder: Path, *, append_only: bool = False) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.port = int(taken.getsockname()[1])
        self._folder = folder
        self._options = ["--appendonly", "yes" if append_only else "no", "--save", ""]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Return when it answers."""
        words = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1"]
        self._process = subprocess.Popen(
            [*words, "--dir", str(self._folder), *self._options], stdout=subprocess.DEVNULL
        )
        until(self._answers, "Redis did not start")

    def stop(self) -> None:
        """Kill it at once; idempotent."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def flush(self) -> None:
        """Forget everything, as a Redis without a disk does that is started anew."""
        with Redis.from_url(self.url) as client:
            client.flushall()

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


@dataclass
class Installation:
    """Both servers, what settings lead to them, and the workers that were started."""

    folder: Path
    redis: RedisServer
    qdrant: StandIn | None
    settings: Settings
    environment: Mapping[str, str]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    server: subprocess.Popen[bytes] | None = None

    def start_worker(self, *options: str, module: str = "api.cli.main") -> subprocess.Popen[bytes]:
        """A worker process; it takes seconds to be ready."""
        words = [sys.executable, "-m", module]
        words += ["worker", *options] if module == "api.cli.main" else options
        log = (self.folder / "workers.log").open("ab")
        with log:
            worker = subprocess.Popen(
                words, cwd=ROOT, env={**os.environ, **self.environment}, stderr=log, stdout=log
            )
        self.workers.append(worker)
        return worker

    def start_server(self) -> Client:
        """A server process of its own, with a data folder of its own; returns once it answers."""
        data = self.folder / "server"
        environment = {**os.environ, **self.environment, "SEMBLANCE_DATA": str(data)}
        words = [sys.executable, "-m", "api.cli.main", "serve", "--port", "0"]
        with (self.folder / "workers.log").open("ab") as log:
            self.server = subprocess.Popen(words, cwd=ROOT, env=environment, stderr=log, stdout=log)
        until(lambda: published(data) is not None, self.log())
        address = published(data)
        assert address is not None
        return Client(address.url, token=address.token)

    def kill_server(self) -> None:
        """End the server without a word."""
        if self.server is not None:
            killed(self.server)

    def log(self) -> str:
        """What all workers have said."""
        return (self.folder / "workers.log").read_text(errors="replace")

    def stop(self) -> None:
        """Kill all that was started."""
        self.kill_server()
        for worker in self.workers:
            worker.kill()
        for worker in self.workers:
            worker.wait(10)


@contextmanager
def installed(
    folder: Path, *, append_only: bool = False, **settings: object
) -> Iterator[Installation]:
    """Both servers, running, for as long as the block lasts; leases are short."""
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        redis = RedisServer(folder, append_only=append_only)
        redis.start()
        stack.callback(redis.stop)
        url = os.environ.get("SEMBLANCE_TEST_QDRANT_URL")
        stand_in = stack.enter_context(StandIn()) if url is None else None
        chosen = {
            "data": str(folder / "data"),
            "redis_url": redis.url,
            "qdrant_url": url or (stand_in.url if stand_in is not None else ""),
            "qdrant_grpc": url is not None,
            "lease_seconds": 2,
            "compile": False,
            "device": "cpu",
            "model": "pixels",
            **settings,
        }
        environment = {f"SEMBLANCE_{name.upper()}": str(value) for name, value in chosen.items()}
        made = Installation(folder, redis, stand_in, Settings.model_validate(chosen), environment)
        stack.callback(made.stop)
        yield made


def redis_is_missing() -> str | None:
    """Why there is no Redis to test with; None if there is one."""
    return None if shutil.which("redis-server") else "redis-server is not installed"


def until(holds: Callable[[], bool], otherwise: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Return when it holds. Raises `AssertionError` if that takes too long."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(otherwise)
        time.sleep(0.05)


def pictures(folder: Path, count: int) -> Path:
    """A folder of so many different pictures of 24 by 24 pixels."""
    folder.mkdir(parents=True)
    for number in range(count):
        red, green = number % 256, number // 256
        PIL.Image.new("RGB", (24, 24), (red, green, 77)).save(folder / f"{number:05}.png")
    return folder


def killed(worker: subprocess.Popen[bytes]) -> None:
    """End a worker without a word."""
    worker.send_signal(signal.SIGKILL)
    worker.wait(10)
