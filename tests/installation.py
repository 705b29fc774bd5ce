"""A scaled-out installation on this machine: Redis, a Qdrant server, and worker processes.

Redis is a real one. The Qdrant server is the one that is named or runs in Docker, or else
`tests.qdrant_stand_in`. Workers are processes of the command line, ended by whatever signal a test
sends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import PIL.Image

from api.address import published
from api.client import Client
from indexer.settings import Settings
from tests.qdrant_stand_in import StandIn
from tests.services import RedisServer, qdrant_server, redis_server, until

ROOT = Path(__file__).parent.parent


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
        redis = redis_server(folder, append_only=append_only)
        redis.start()
        stack.callback(redis.stop)
        url = stack.enter_context(qdrant_server())
        stand_in = stack.enter_context(StandIn()) if url is None else None
        chosen = {
            "data": str(folder / "data"),
            "redis_url": redis.url,
            "qdrant_url": url or (stand_in.url if stand_in is not None else ""),
            "qdrant_grpc": url is not None,
            "lease_seconds": 4,
            "compile": False,
            "device": "cpu",
            "model": "pixels",
            **settings,
        }
        environment = {f"SEMBLANCE_{name.upper()}": str(value) for name, value in chosen.items()}
        made = Installation(folder, redis, stand_in, Settings.model_validate(chosen), environment)
        stack.callback(made.stop)
        yield made


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
