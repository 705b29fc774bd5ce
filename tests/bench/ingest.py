"""Pictures a second from files on disk to indexed points, beside the model's bare forward pass.

Both run in the same process, in turns, on the same pictures; what counts is the ratio.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from indexer import collections
from indexer.adding import index_location, start_location
from indexer.build import Engine, open_engine
from indexer.images import decode
from indexer.jobs import Request
from indexer.settings import Settings
from tests.bench import report
from tests.bench.pictures import make_pictures
from worker.embedded import EmbeddedQueue
from worker.indexing import index


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench ingest", description=__doc__)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "pictures"
        make_pictures(folder, options.pictures)
        model = local_clip(Path(scratch)) if options.model == "random-vit-b-32" else options.model
        result = compare(folder, Path(scratch) / "data", model, options.rounds)
    report.write(f"ingest-{options.model}", {"model": options.model, **result})


def compare(folder: Path, data: Path, model: str, rounds: int) -> dict[str, object]:
    """Bare forward passes and whole ingests, in turns."""
    bare, whole = [], []
    for _ in range(rounds):
        with _engine(data) as engine:
            bare.append(_bare_forward(engine, folder, model))
            whole.append(_whole_ingest(engine, folder, model))
        shutil.rmtree(data)
    ratios = [one / other for one, other in zip(whole, bare, strict=True)]
    return {
        "pictures": sum(1 for _ in folder.rglob("*.jpg")),
        "bare_forward_images_per_second": [round(value, 1) for value in bare],
        "ingest_images_per_second": [round(value, 1) for value in whole],
        "median_ratio": round(statistics.median(ratios), 3),
    }


@contextmanager
def _engine(data: Path) -> Iterator[Engine]:
    engine = open_engine(Settings(data=data))
    try:
        yield engine
    finally:
        engine.close()


def _bare_forward(engine: Engine, folder: Path, model: str) -> float:
    embedder = engine.embedders.get(model)
    size = engine.indexer.batch_size
    files = sorted(folder.rglob("*.jpg"))[: 8 * size]
    prepared = [
        embedder.prepare(decode(file.read_bytes(), min_side=224, limits=engine.limits))
        for file in files
    ]
    embedder.embed_images(prepared[:size])
    started = time.perf_counter()
    for first in range(0, len(prepared), size):
        embedder.embed_images(prepared[first : first + size])
    return len(prepared) / (time.perf_counter() - started)


def _whole_ingest(engine: Engine, folder: Path, model: str) -> float:
    space = collections.space_of(engine.embedders.get(model))
    collections.create(engine.store, "bench", [space])
    queue = EmbeddedQueue(partial(index, engine.indexer), engine.store)
    started = time.perf_counter()
    job = start_location(engine, "bench", Request(str(folder)))
    index_location(engine, queue, job)
    queue.wait()
    engine.store.flush("bench")
    seconds = time.perf_counter() - started
    queue.close()
    totals = collections.totals(engine.store, "bench")
    assert totals.indexed == totals.found, totals
    return totals.indexed / seconds


def local_clip(scratch: Path) -> str:
    """A ViT-B-32 with random weights on disk: as fast as the trained one."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    path = scratch / "vit-b-32.safetensors"
    model = open_clip.create_model("ViT-B-32")
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, path)
    return f"open_clip:ViT-B-32/{path}"
