"""The neighbour graph beside pynndescent and hnswlib, on the same vectors, each with its recall.

    python3 -m venv PEERS && PEERS/bin/pip install hnswlib pynndescent
    ./run bench graph --sizes 10000 100000 --python PEERS/bin/python [--vectors FILE.npy]

Every program builds the whole graph in a process of its own, from vectors that lie in a file; the
process that began it watches its memory. Recall is measured on the same 1,000 rows, compared with
all others. `mixture`: overlapping groups of groups, with a spectrum that falls as that of real
vectors does; `even`: the same spectrum in one cloud, the hardest. With --vectors, rows of that file
beside them, more than it has by adding noise.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.bench import report

K = 10
SAMPLE = 1000
CHUNK = 20_000
PEERS = ("pynndescent", "hnswlib")
Matrix = NDArray[np.float32]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench graph", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--data", nargs="*", default=["mixture", "even"])
    parser.add_argument("--vectors", type=Path, help=".npy of unit rows to be measured as well")
    parser.add_argument("--python", type=Path, help="a Python that has pynndescent and hnswlib")
    options = parser.parse_args(arguments)
    if options.python is None:
        print("no --python: pynndescent and hnswlib are NOT measured", file=sys.stderr)
    kinds = [*options.data, *([str(options.vectors)] if options.vectors else [])]
    result = {
        f"{Path(kind).stem}-{n}": _measured(kind, n, options.dimension, options.python)
        for kind in kinds
        for n in options.sizes
    }
    report.write("graph", {"k": K, "dimension": options.dimension, "runs": result})


def _measured(kind: str, n: int, dimension: int, python: Path | None) -> dict[str, Any]:
    """All programs over the same rows."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "vectors.npy"
        _make(file, kind, n, dimension)
        truth = _truth(np.load(file, mmap_mode="r"))
        found = {"semblance": _run(sys.executable, "semblance", file, truth)}
        for peer in PEERS if python else ():
            found[peer] = _run(str(python), peer, file, truth)
        return found


def _run(python: str, program: str, file: Path, truth: dict[str, Any]) -> dict[str, Any]:
    """Build a graph in a new process; seconds without the imports, its peak memory and recall."""
    out = file.with_name(f"{program}.npy")
    command = [python, "-m", "tests.bench.graph_programs", program, str(file), str(K), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(f"{program} did NOT run: {last}", file=sys.stderr)
        return {"failed": last}
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    told["recall"] = round(_recall(np.load(file, mmap_mode="r"), np.load(out), truth), 4)
    print(file.name, program, told, flush=True)
    return told


def _make(file: Path, kind: str, n: int, dimension: int) -> None:
    """Write the rows block by block: a million take two gigabytes."""
    if kind.endswith(".npy"):
        dimension = np.load(kind, mmap_mode="r").shape[1]
    rows = np.lib.format.open_memmap(file, "w+", np.float32, (n, dimension))
    start = 0
    for block in _blocks(kind, n, dimension):
        block /= np.linalg.norm(block, axis=1, keepdims=True)
        rows[start : start + len(block)] = block
        start += len(block)
    rows.flush()


def _blocks(kind: str, n: int, dimension: int) -> Iterator[Matrix]:
    chance = np.random.default_rng(0)
    sizes = [min(CHUNK, n - start) for start in range(0, n, CHUNK)]
    spectrum = (np.arange(1, dimension + 1) ** -0.5).astype(np.float32)
    if kind.endswith(".npy"):
        real = chance.permutation(np.load(kind))
        for start, size in zip(range(0, n, CHUNK), sizes, strict=True):
            block = real[np.arange(start, start + size) % len(real)]
            noise = chance.standard_normal(block.shape, np.float32) * 0.25 / dimension**0.5
            yield block + noise * (np.arange(start, start + size) >= len(real))[:, None]
        return
    groups = chance.standard_normal((50, dimension), np.float32)
    centres = groups[chance.integers(0, 50, max(50, n // 100))]
    centres = (centres + chance.standard_normal(centres.shape, np.float32)) * spectrum
    weights = chance.pareto(1.5, len(centres)) + 0.2
    for size in sizes:
        cloud = chance.standard_normal((size, dimension), np.float32) * spectrum
        chosen = chance.choice(len(centres), size, p=weights / weights.sum())
        yield cloud if kind == "even" else centres[chosen] + 0.7 * cloud


def _truth(rows: Matrix) -> dict[str, Any]:
    """A sample of the rows, and how similar the K-th nearest of each is."""
    chosen = np.random.default_rng(1).permutation(len(rows))[:SAMPLE]
    asked = np.asarray(rows[chosen])
    best = np.full((len(chosen), K), -np.inf, np.float32)
    for start in range(0, len(rows), CHUNK):
        block = asked @ np.asarray(rows[start : start + CHUNK]).T
        here = (chosen >= start) & (chosen < start + CHUNK)
        block[here, chosen[here] - start] = -np.inf
        top = np.partition(block, -K, axis=1)[:, -K:] if block.shape[1] > K else block
        best = np.sort(np.concatenate([best, top], 1), axis=1)[:, -K:]
    return {"rows": chosen, "least": best[:, :1]}


def _recall(rows: Matrix, found: NDArray[np.int32], truth: dict[str, Any]) -> float:
    """The share of true neighbours among those found, ties aside."""
    right = 0
    for row, least in zip(truth["rows"], truth["least"], strict=True):
        others = np.unique(found[row][(found[row] >= 0) & (found[row] != row)])
        right += int((rows[others] @ rows[row] >= least - 1e-5).sum())
    return min(1.0, right / (K * len(truth["rows"])))


if __name__ == "__main__":
    started = time.perf_counter()
    main(sys.argv[1:])
    print(f"{time.perf_counter() - started:.0f} s in all")
