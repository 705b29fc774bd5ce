"""Each tower of a model, by torch as it is and as Semblance compiles it, in turns in one process.

Pictures a second in batches, and milliseconds for one query or one picture alone, which is what a
person waits for. For CLIP also open_clip's own way to embed a text, with all of its padding.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from indexer.embedders.compiled import Towered, read_verdicts, take
from indexer.embedders.loading import load
from indexer.embedders.naming import resolve
from indexer.ports import Embedder
from tests.bench import report
from tests.bench.ingest import local_clip

QUERY = "two children with a dog on the beach"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench towers", description=__doc__)
    parser.add_argument("--model", default="mini", help="random-vit-b-32: made here, as fast")
    parser.add_argument("--pictures", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        name = local_clip(folder) if options.model == "random-vit-b-32" else options.model
        result = compare(name, folder / "compiled", options.pictures, options.rounds)
    report.write(f"towers-{options.model}", {"model": options.model, **result})


def compare(name: str, folder: Path, pictures: int, rounds: int) -> dict[str, object]:
    """Torch and the compiled form in turns, and the verdict that Semblance itself comes to."""
    by_torch, compiled = (load(resolve(name), "cpu", 32) for _ in range(2))
    began = time.perf_counter()
    command = [sys.executable, "-m", "indexer.embedders.compilation", name, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as child:
        child.wait()
    seconds = time.perf_counter() - began
    take(compiled, folder)
    assert isinstance(compiled, Towered)
    return {
        "compiling_seconds": round(seconds, 1),
        "verdicts": {
            tower: dataclasses.asdict(verdict) for tower, verdict in read_verdicts(folder).items()
        },
        "taken": {tower: t.network is None for tower, t in compiled.towers.items()},
        "pictures": pictures,
        "all_pictures": _in_turns(by_torch, compiled, _pictures(pictures), rounds),
        "one_picture": _in_turns(by_torch, compiled, _pictures(1), 4 * rounds),
        "one_query": _in_turns(by_torch, compiled, _query, 4 * rounds),
        **_with_padding(by_torch, 4 * rounds),
    }


def _pictures(count: int) -> Callable[[Embedder], Callable[[], object]]:
    noise = np.random.default_rng(0)

    def work(embedder: Embedder) -> Callable[[], object]:
        side = embedder.image_size
        prepared = [noise.integers(0, 256, (side, side, 3), dtype=np.uint8) for _ in range(count)]
        return lambda: embedder.embed_images(prepared)

    return work


def _query(embedder: Embedder) -> Callable[[], object]:
    return lambda: embedder.embed_queries([QUERY])


def _in_turns(
    by_torch: Embedder,
    compiled: Embedder,
    work: Callable[[Embedder], Callable[[], object]],
    rounds: int,
) -> dict[str, float]:
    one, other = work(by_torch), work(compiled)
    pairs = [(_milliseconds(one), _milliseconds(other)) for _ in range(rounds + 1)][1:]
    return {
        "torch_ms": round(statistics.median(pair[0] for pair in pairs), 2),
        "compiled_ms": round(statistics.median(pair[1] for pair in pairs), 2),
        "median_ratio": round(statistics.median(pair[0] / pair[1] for pair in pairs), 2),
    }


def _with_padding(embedder: Any, rounds: int) -> dict[str, object]:
    """What open_clip itself takes for the query: all 77 tokens."""
    texts: Any = getattr(embedder.towers["text"].network, "network", None)
    network: Any = getattr(texts, "owner", None)
    if not hasattr(network, "encode_text"):
        return {}
    import torch

    ids = torch.from_numpy(embedder._token_ids([QUERY]))

    def whole() -> object:
        with torch.inference_mode():
            return network.encode_text(ids)

    pairs = [(_milliseconds(whole), _milliseconds(_query(embedder))) for _ in range(rounds + 1)][1:]
    return {
        "one_query_open_clip": {
            "open_clip_ms": round(statistics.median(pair[0] for pair in pairs), 2),
            "torch_without_padding_ms": round(statistics.median(pair[1] for pair in pairs), 2),
            "median_ratio": round(statistics.median(pair[0] / pair[1] for pair in pairs), 2),
        }
    }


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000
