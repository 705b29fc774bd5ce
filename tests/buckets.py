"""An S3 server in a process of its own, over real HTTP on the loopback device."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

_SERVE = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()  # ends with the test that started it
server.stop()
"""
KEY, SECRET = "AKIATESTTESTTEST", "a-secret-that-nobody-may-see"


@dataclass(frozen=True)
class Bucket:
    """A bucket on the server; environment variables say how it is reached."""

    endpoint: str
    name: str

    @property
    def url(self) -> str:
        return f"s3://{self.name}/pictures"

    def keys(self) -> list[str]:
        """The keys of everything in it."""
        from obstore.store import S3Store

        options = {"allow_http": True}
        store = S3Store(self.name, client_options=options)  # type: ignore[arg-type]
        return sorted(row["path"] for row in store.list().collect())

    def unfinished(self) -> int:
        """Multipart uploads that were begun and neither completed nor removed."""
        with urllib.request.urlopen(f"{self.endpoint}/{self.name}?uploads") as answer:
            return str(answer.read()).count("<UploadId>")


@contextmanager
def s3_server() -> Iterator[str]:
    """The address of an S3 server that lives as long as the block."""
    command = [sys.executable, "-W", "ignore", "-c", _SERVE]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=quiet, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def make_bucket(endpoint: str, name: str) -> Bucket:
    """An empty bucket."""
    request = urllib.request.Request(f"{endpoint}/{name}", method="PUT")
    urllib.request.urlopen(request).close()
    return Bucket(endpoint, name)


def environment(endpoint: str) -> dict[str, str]:
    """What a person would set to reach the server."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
    }


def reach(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """Set the environment of this process so that it reaches the server."""
    for name, value in environment(endpoint).items():
        monkeypatch.setenv(name, value)
