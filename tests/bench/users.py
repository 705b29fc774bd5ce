"""Fifty people at once, through HTTP: queries a second and how long each waits.

Each asks one text query after the other, over a connection of its own, for a fixed time. A tenth of
the queries have been asked before, as people do; with `--new` none have. The server, its model and
the collection are those of the benchmark `queries`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np

from tests.bench import report
from tests.bench.queries import WORDS, fill, served

AGAIN = 0.1
"""Share of queries that were asked before."""

POPULAR = ["children playing by the sea", "a horse in the snow", "people at a market"]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench users", description=__doc__)
    parser.add_argument("--assets", type=int, default=100_000)
    parser.add_argument("--users", type=int, nargs="+", default=[1, 10, 50])
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--new", action="store_true", help="no query is asked twice")
    options = parser.parse_args(arguments)
    # Else it would be compiled in the middle of what is measured.
    subprocess.run([str(Path(sys.executable).with_name("semblance")), "compile"], check=True)
    with tempfile.TemporaryDirectory() as data:
        fill(Path(data), options.assets)
        with served(Path(data)) as address:
            ask = 0.0 if options.new else AGAIN
            measured = {
                str(users): asyncio.run(crowd(address, users, options.seconds, ask))
                for users in options.users
            }
    report.write("users", {"assets": options.assets, "cores": os.cpu_count(), "users": measured})


async def crowd(address: str, users: int, seconds: float, again: float) -> dict[str, object]:
    """So many people for so long; what was asked in the first second is left out."""
    waits: list[float] = []
    end = time.perf_counter() + seconds + 1
    limits = httpx.Limits(max_connections=users, max_keepalive_connections=users)
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as client:
        people = [_person(client, number, end, again, waits) for number in range(users)]
        await asyncio.gather(*people)
    return {
        "queries_per_second": round(len(waits) / seconds, 1),
        "milliseconds": report.spread(waits),
    }


async def _person(
    client: httpx.AsyncClient, number: int, end: float, again: float, waits: list[float]
) -> None:
    chance = np.random.default_rng([number, 3])
    begin = time.perf_counter() + 1
    while (started := time.perf_counter()) < end:
        question = " ".join(chance.choice(WORDS, 4)) + f" {chance.integers(1 << 40)}"
        if chance.random() < again:
            question = str(chance.choice(POPULAR))
        answer = await client.post(
            "/v1/collections/default/search",
            json={"text": question, "limit": 20, "kind": "image"},
        )
        answer.raise_for_status()
        if started > begin:
            waits.append((time.perf_counter() - started) * 1000)
