"""Seconds until the command line helps, until the server answers, and until it is ready."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from tests.bench import report

PORT = 7799


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench startup", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    helps = [_seconds_of_help() for _ in range(options.rounds)]
    serves = [_seconds_to_serve() for _ in range(options.rounds)]
    report.write(
        "startup",
        {
            "help_seconds": report.spread(helps),
            "healthz_seconds": report.spread([health for health, _ in serves]),
            "readyz_seconds": report.spread([ready for _, ready in serves]),
        },
    )


def _command() -> str:
    return str(Path(sys.executable).with_name("semblance"))


def _seconds_of_help() -> float:
    started = time.perf_counter()
    subprocess.run([_command(), "--help"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def _seconds_to_serve() -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as data:
        environment = {**os.environ, "SEMBLANCE_DATA": data}
        started = time.perf_counter()
        server = subprocess.Popen(
            [_command(), "serve", "--port", str(PORT)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=5) as client:
                healthy = _wait_for(client, "/healthz", started)
                ready = _wait_for(client, "/readyz", started)
        finally:
            server.terminate()
            server.wait(30)
    return healthy, ready


def _wait_for(client: httpx.Client, path: str, started: float) -> float:
    deadline = started + 120
    while time.perf_counter() < deadline:
        try:
            if client.get(path).status_code == 200:
                return time.perf_counter() - started
        except httpx.TransportError:
            pass
        time.sleep(0.1)  # asking more often would slow down what is measured
    raise TimeoutError(f"{path} did not answer within two minutes")
