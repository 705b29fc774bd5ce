"""Duplicates found among thousands of others, by variant: Semblance beside imagededup's hashes.

    python -m tests.bench duplicates --data ../shared/data [--work FOLDER] [--peer PYTHON]

240 photographs are made into 14 variants each and put among all other photographs of the data. All
thresholds were chosen on the variants of the first half of the photographs; the figures are those
of the second half. `--peer` is a Python that has imagededup. Its CNN takes weights from a hub; the
cosine of the bundled model at imagededup's default (0.9) stands in for it.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import PIL.Image

from indexer import collections
from indexer.adding import index_location, start_location
from indexer.analysis import artefacts, asking, entries, running
from indexer.build import Engine, open_engine
from indexer.domain import AssetId
from indexer.jobs import Request
from indexer.ledger import assets_where, scroll_all
from indexer.settings import Settings
from tests.bench import duplicates_scores, report
from tests.bench.duplicates_scores import Families, Pairs
from tests.bench.variants import QUALITY, VARIANTS
from worker.embedded import EmbeddedQueue
from worker.indexing import index

SOURCES: Mapping[str, int] = {
    "flickr8k": 80,
    "imagenet_samples": 80,
    "flowers5": 50,
    "clothing": 30,
}
_COLLECTION = "duplicates"
_ENDINGS = (".jpg", ".jpeg", ".png")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench duplicates", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, help="Keep files here, and use those that are there.")
    parser.add_argument("--peer", type=Path, help="A Python that has imagededup.")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        work = options.work or Path(scratch)
        families = _make(options.data, work / "pictures")
        result = _ours(work, families)
        if options.peer is not None:
            result["imagededup"] = _peer(options.peer, work, families)
    report.write("duplicates", result)


def _make(data: Path, pictures: Path) -> Families:
    """Write the variants and link the data beside them; which file is of which photograph."""
    chance = random.Random(5)
    chosen: list[Path] = []
    (pictures / "others").mkdir(parents=True, exist_ok=True)
    for name, count in SOURCES.items():
        files = sorted(p for p in (data / name).rglob("*") if p.suffix.lower() in _ENDINGS)
        chosen += chance.sample(files, count)
        link = pictures / "others" / name
        if not link.exists():
            link.symlink_to((data / name).resolve())
    chance.shuffle(chosen)
    families = Families({}, len(chosen))
    for number, source in enumerate(chosen):
        families.of[str(source.resolve())] = (number, "original")
        folder = pictures / "variants" / f"{number:03}"
        folder.mkdir(parents=True, exist_ok=True)
        for name, variant in VARIANTS.items():
            path = folder / f"{name}.jpg"
            families.of[str(path.resolve())] = (number, name)
            if not path.exists():
                image = PIL.Image.open(source).convert("RGB")
                made = variant(image, random.Random(f"{number}-{name}"))
                made.save(path, quality=QUALITY.get(name, 85))
    return families


def _ours(work: Path, families: Families) -> dict[str, Any]:
    with _engine(work / "data") as engine:
        if _COLLECTION not in engine.store.collections():
            _index(engine, work / "pictures")
        paths = _paths(engine)
        began = time.perf_counter()
        analysis = _analysis(engine)
        seconds = time.perf_counter() - began
        rows = artefacts.load(engine.blobs, analysis, "pairs").to_pylist()
        (work / "pairs.json").write_text(json.dumps(rows))
    found = Pairs([(paths[r["id"]], paths[r["other_id"]]) for r in rows if r["duplicate"]])
    told = duplicates_scores.scores(found, families)
    told["verdicts"] = duplicates_scores.verdicts(rows, paths, families)
    near = Pairs([(paths[r["id"]], paths[r["other_id"]]) for r in rows if r["cosine"] >= 0.9])
    return {
        "pictures": len(paths),
        "seconds": round(seconds, 1),
        "summary": dict(analysis.summary),
        "semblance": told,
        "cosine_0.9_of_what_was_told": duplicates_scores.scores(near, families),
    }


def _analysis(engine: Engine) -> Any:
    asked = asking.ask(engine.store, _COLLECTION, asking.Asked("duplicates"))
    running.run(engine.access, _COLLECTION, asked.id)
    analysis = entries.get(engine.store, _COLLECTION, asked.id)
    if analysis.error is not None:
        raise SystemExit(f"The analysis failed: {analysis.error.message}")
    return analysis


def _paths(engine: Engine) -> dict[AssetId, list[str]]:
    found = {}
    for point in scroll_all(engine.store, _COLLECTION, assets_where(), fields=("sources",)):
        sources: Any = point.payload["sources"]
        found[point.id] = [str(Path(source["path"]).resolve()) for source in sources]
    return found


def _index(engine: Engine, pictures: Path) -> None:
    space = collections.space_of(engine.embedders.get("mini"))
    collections.create(engine.store, _COLLECTION, [space])
    queue = EmbeddedQueue(partial(index, engine.indexer), engine.store)
    request = Request(location=str(pictures.resolve()), exclude=("*.tsv", "*.txt"))
    job = start_location(engine, _COLLECTION, request)
    index_location(engine, queue, job)
    queue.wait()
    engine.store.flush(_COLLECTION)
    queue.close()


def _peer(python: Path, work: Path, families: Families) -> dict[str, Any]:
    """imagededup's four hashes on the same files, at its default distance and at its best one."""
    files = work / "files.json"
    every = [str(p.resolve()) for p in (work / "pictures").rglob("*") if _is_picture(p)]
    for link in (work / "pictures" / "others").iterdir():
        every += [str(p.resolve()) for p in link.rglob("*") if _is_picture(p)]
    files.write_text(json.dumps(sorted({*every})))
    script = Path(__file__).with_name("imagededup_hashes.py")
    subprocess.run([str(python), str(script), str(files), str(work / "peer.json")], check=True)
    told = json.loads((work / "peer.json").read_text())
    return {
        name: {
            "seconds": one["seconds"],
            **duplicates_scores.at_distances(one["pairs"], families),
        }
        for name, one in told.items()
    }


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in _ENDINGS


@contextmanager
def _engine(data: Path) -> Iterator[Engine]:
    engine = open_engine(Settings(data=data))
    try:
        yield engine
    finally:
        engine.close()


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
