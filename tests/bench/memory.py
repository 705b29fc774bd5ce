"""Peak memory of `semblance index` over few and over many pictures: it should not grow."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from tests.bench import report
from tests.bench.pictures import make_pictures


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench memory", description=__doc__)
    parser.add_argument("--pictures", type=int, nargs="+", default=[1000, 20_000])
    options = parser.parse_args(arguments)
    peaks = {}
    with tempfile.TemporaryDirectory() as scratch:
        for count in options.pictures:
            folder = Path(scratch) / str(count)
            make_pictures(folder, count, side=240)
            peaks[str(count)] = _index(folder)
    report.write("memory", {"by_pictures": peaks})


def _index(folder: Path) -> dict[str, float]:
    command = str(Path(sys.executable).with_name("semblance"))
    with tempfile.TemporaryDirectory() as data:
        return watched([command, "index", str(folder), "--json"], {"SEMBLANCE_DATA": data})


def watched(command: Sequence[str], settings: Mapping[str, str]) -> dict[str, float]:
    """Seconds and peak memory of a command, with all processes that it starts."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    samples: list[int] = [0]
    watcher = threading.Thread(target=_watch, args=(process.pid, samples))
    watcher.start()
    code = process.wait()
    watcher.join()
    assert code == 0, (command, code)
    return {
        "peak_rss_mib": round(max(samples) / 2**20, 1),
        "seconds": round(time.perf_counter() - started, 1),
    }


def _watch(pid: int, samples: list[int]) -> None:
    # Resident private memory: pages of the store's mapped files are the system's cache, which
    # grows with the collection and is given back at need.
    try:
        process = psutil.Process(pid)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            family = [process, *process.children(recursive=True)]
            samples.append(sum(_private(member) for member in family))
            time.sleep(0.1)
    except psutil.NoSuchProcess:
        return


def _private(process: psutil.Process) -> int:
    try:
        usage = process.memory_info()
    except psutil.NoSuchProcess:  # between listing and looking
        return 0
    return int(usage.rss - getattr(usage, "shared", 0))
