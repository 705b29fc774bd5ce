"""`semblance index` beside clip-retrieval, on the same photographs and the same weights, in turns.

    python3 -m venv PEERS && PEERS/bin/pip install clip-retrieval "setuptools<70"
    ./run bench peers --python PEERS/bin/python

A ViT-B-32 with random weights, as fast as the trained one, is read by both from one file. Each
program runs as a whole, from its command to its last file on disk; clip-retrieval writes vectors
to .npy, Semblance makes a searchable index. Texts: the vectors of `minilm` by sentence-transformers
alone (`encode`, its own batches) and by Semblance's Embedder, in one process, model loaded.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from tests.bench import report
from tests.bench.ingest import local_clip
from tests.bench.memory import watched
from tests.bench.pictures import make_pictures
from tests.bench.queries import WORDS


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench peers", description=__doc__)
    parser.add_argument("--python", type=Path, help="a Python that has clip-retrieval")
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    result: dict[str, object] = {"texts": texts(options.texts, options.rounds)}
    if options.python is not None:
        result["pictures"] = pictures(options.python, options.pictures, options.rounds)
    report.write("peers", result)


def pictures(python: Path, count: int, rounds: int) -> dict[str, object]:
    """Whole runs of both programs in turns; the first round warms the file cache and is left out.

    Semblance compiles the model once, before; what that takes is told beside the rounds.
    """
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        make_pictures(place / "pictures", count)
        weights = local_clip(place).partition("/")[2]
        settings = {"SEMBLANCE_CACHE": str(place / "cache")}
        semblance = str(Path(sys.executable).with_name("semblance"))
        compiling = watched([semblance, "compile", f"open_clip:ViT-B-32/{weights}"], settings)
        found: dict[str, list[dict[str, float]]] = {"clip_retrieval": [], "semblance": []}
        for number in range(rounds + 1):
            for name, command in _commands(python, place, weights, number).items():
                run = watched(command, settings)
                run["images_per_second"] = round(count / run["seconds"], 1)
                found[name].append(run)
                print(name, run, flush=True)
    kept = {name: runs[1:] for name, runs in found.items()}
    ratios = [
        ours["images_per_second"] / theirs["images_per_second"]
        for ours, theirs in zip(kept["semblance"], kept["clip_retrieval"], strict=True)
    ]
    return {
        "pictures": count,
        "compiling": compiling,
        **kept,
        "median_ratio": round(statistics.median(ratios), 2),
    }


def _commands(python: Path, place: Path, weights: str, number: int) -> dict[str, list[str]]:
    out = place / f"clip-retrieval-{number}"
    return {
        "clip_retrieval": [
            str(python.with_name("clip-retrieval")),
            *("inference", "--input_dataset", str(place / "pictures"), "--output_folder", str(out)),
            *("--clip_model", f"open_clip:ViT-B-32/{weights}", "--enable_text", "False"),
            *("--enable_metadata", "False", "--use_jit", "False", "--num_prepro_workers", "2"),
            *("--batch_size", "64", "--cache_path", str(place)),
        ],
        "semblance": [
            str(Path(sys.executable).with_name("semblance")),
            *("index", str(place / "pictures"), "--model", f"open_clip:ViT-B-32/{weights}"),
            *("--data", str(place / f"semblance-{number}"), "--json"),
        ],
    }


def texts(count: int, rounds: int) -> dict[str, object]:
    """Passages of 5 to 200 words, in the order they come, through the same weights."""
    from sentence_transformers import SentenceTransformer

    from indexer.embedders.loading import LoadedEmbedders, load
    from indexer.embedders.naming import resolve

    chance = np.random.default_rng(4)
    passages = [" ".join(chance.choice(WORDS, chance.integers(5, 200))) for _ in range(count)]
    library = SentenceTransformer(LoadedEmbedders().available("minilm").where, device="cpu")
    ours = load(resolve("mini"), "cpu", 32)
    runs: dict[str, list[float]] = {"sentence_transformers": [], "semblance": []}
    for _ in range(rounds):
        runs["sentence_transformers"].append(
            _rate(lambda some: library.encode(some, show_progress_bar=False), passages)
        )
        runs["semblance"].append(_rate(ours.embed_texts, passages))
    pairs = zip(runs["semblance"], runs["sentence_transformers"], strict=True)
    ratio = statistics.median(one / other for one, other in pairs)
    return {"texts": count, "texts_per_second": runs, "median_ratio": round(ratio, 2)}


def _rate(embed: Callable[[list[str]], object], passages: Sequence[str]) -> float:
    started = time.perf_counter()
    embed(list(passages))
    return round(len(passages) / (time.perf_counter() - started), 1)
