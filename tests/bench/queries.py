"""Latency of text queries through HTTP, and what part of it is model, store and the rest.

The collection holds seeded, clustered vectors with the payloads of real texts, so that 100,000
assets need no 100,000 files; the server, the model and the requests are the real ones.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np

from indexer import collections
from indexer.domain import Asset, FieldType, Kind, PointVectors, Source, Status, asset_id
from indexer.embedders import terms
from indexer.embedders.loading import LoadedEmbedders
from indexer.ledger import asset_point, now
from indexer.stores.edge import EdgeStore
from tests.bench import report

PORT = 7798
WORDS = """
boat harbour winter snow child dog beach mountain letter map engine bridge street portrait
flower garden horse church market river night crowd window table music
""".split()  # noqa: SIM905  # one list, readable as a line of text


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench queries", description=__doc__)
    parser.add_argument("--assets", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--queries", type=int, default=300)
    options = parser.parse_args(arguments)
    results = {}
    for count in options.assets:
        with tempfile.TemporaryDirectory() as data:
            fill(Path(data), count)
            results[str(count)] = measure(Path(data), options.queries)
    report.write("queries", {"by_assets": results})


def fill(data: Path, count: int) -> None:
    """A collection `default` of half pictures and half texts, indexed and optimised."""
    store = EdgeStore(data / "collections")
    space = collections.space_of(LoadedEmbedders("cpu").get("mini"))
    collection = collections.create(store, "default", [space])
    # As ingest does at the first text that has a year.
    collections.remember_fields(store, collection, {"year": FieldType.NUMBER})
    chance = np.random.default_rng(1)
    centres = chance.standard_normal((200, space.dimension))
    for first in range(0, count, 256):
        size = min(256, count - first)
        vectors = centres[chance.integers(0, 200, size)]
        vectors = vectors + 0.7 * chance.standard_normal((size, space.dimension))
        assets = [_asset(first + row, chance) for row in range(size)]
        store.insert("default", [asset_point(asset) for asset in assets])
        sparse = terms.document_terms([asset.text or "" for asset in assets])
        store.write_vectors(
            "default",
            [
                PointVectors(
                    asset.id,
                    {space.name: (row / np.linalg.norm(row)).astype(np.float32)},
                    words if asset.kind is Kind.TEXT else None,
                )
                for asset, row, words in zip(assets, vectors, sparse, strict=True)
            ],
        )
        if first % 51_200 == 0:
            store.optimize("default")
    store.optimize("default")
    store.close()


def _asset(number: int, chance: np.random.Generator) -> Asset:
    kind = Kind.TEXT if number % 2 else Kind.IMAGE
    words = " ".join(chance.choice(WORDS, 12)) if kind is Kind.TEXT else None
    return Asset(
        id=asset_id(kind, str(number)),
        kind=kind,
        status=Status.INDEXED,
        sha256=str(number),
        media_type="text/plain" if words else "image/jpeg",
        bytes=1000,
        sources=(Source(f"file:///{number}", f"/{number}"),),
        text=words,
        metadata={"year": int(chance.integers(1850, 2000))},
        added_at=now(),
    )


def measure(data: Path, count: int) -> dict[str, object]:
    """Seeded queries, each different, one after the other, over one connection."""
    with served(data) as address, httpx.Client(base_url=address, timeout=60) as client:
        return {
            "pictures": _latencies(client, count, {"kind": "image"}),
            "texts_hybrid": _latencies(client, count, {"kind": "text"}),
            "both_kinds": _latencies(client, count, {}),
            "pictures_filtered": _latencies(
                client, count, {"kind": "image", "filter": {"field": "year", "gte": 1985}}
            ),
        }


@contextmanager
def served(data: Path) -> Iterator[str]:
    """The address of a server over the data folder, once it is ready."""
    command = str(Path(sys.executable).with_name("semblance"))
    server = subprocess.Popen(
        [command, "serve", "--port", str(PORT)],
        env={**os.environ, "SEMBLANCE_DATA": str(data)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{PORT}"
        with httpx.Client(base_url=address, timeout=60) as client:
            _until_ready(client)
        yield address
    finally:
        server.terminate()
        server.wait(60)


def _until_ready(client: httpx.Client) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise TimeoutError("the server was not ready within two minutes")


def _latencies(
    client: httpx.Client, count: int, options: dict[str, object]
) -> dict[str, dict[str, float]]:
    chance = np.random.default_rng(2)
    stages: dict[str, list[float]] = {"total": [], "model": [], "store": [], "rest": []}
    for number in range(count + 20):
        question = " ".join(chance.choice(WORDS, 4)) + f" {number}"
        started = time.perf_counter()
        answer = client.post(
            "/v1/collections/default/search", json={"text": question, "limit": 20, **options}
        )
        total = (time.perf_counter() - started) * 1000
        answer.raise_for_status()
        if number < 20:
            continue  # caches and clocks settle
        spent = _server_timing(answer.headers["server-timing"])
        stages["total"].append(total)
        stages["model"].append(spent.get("model", 0.0))
        stages["store"].append(spent.get("store", 0.0))
        stages["rest"].append(total - spent.get("model", 0.0) - spent.get("store", 0.0))
    return {f"{stage}_ms": report.spread(values) for stage, values in stages.items()}


def _server_timing(header: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r"(\w+);dur=([\d.]+)", header)}
