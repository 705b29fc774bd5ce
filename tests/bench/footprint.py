"""Bytes an asset takes, on disk and in memory, part by part: the constants of docs/scaling.md.

Collections of two sizes are filled with seeded vectors and with payloads as ingest writes them, in
the real engine, and optimised to the end. What the larger one takes more, divided by the assets it
has more, is what one more asset costs: fixed costs (logs, empty segments) fall out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from indexer import collections
from indexer.domain import (
    Asset,
    Document,
    FieldType,
    Kind,
    NearestQuery,
    PointVectors,
    Source,
    Space,
    Status,
    asset_id,
)
from indexer.embedders import terms
from indexer.ledger import PAGE, asset_point, now, put_documents
from indexer.stores.edge import EdgeStore
from tests.bench import report

VOCABULARY = 30_000
WORDS = 120
"""Words of a passage: about what the window of a sentence model takes."""

PASSAGES = 10
"""Passages a file."""

_PARTS = {
    "vector_storage": "vectors",
    "vector_index": "vector_index",
    "payload_storage": "payload",
    "payload_index": "payload_indexes",
    "wal": "log",
}
_OTHERS = ("vectors_sparse", "vector_index_sparse", "rest", "whole")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench footprint", description=__doc__)
    parser.add_argument("--assets", type=int, nargs=2, default=[20_000, 60_000])
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--kind", type=Kind, nargs="+", default=[*Kind], choices=[*Kind])
    options = parser.parse_args(arguments)
    few, many = options.assets
    result: dict[str, object] = {"assets": options.assets, "dimension": options.dimension}
    for kind in options.kind:
        sizes = [_size(kind, count, options.dimension) for count in (few, many)]
        result[kind.value] = {
            "payload_json_bytes": _payload_bytes(kind),
            "by_assets": dict(zip((str(few), str(many)), sizes, strict=True)),
            "bytes_an_asset": {
                measure: {
                    part: round((sizes[1][measure][part] - at) / (many - few), 5)
                    for part, at in parts.items()
                }
                for measure, parts in sizes[0].items()
            },
        }
        report.write("footprint", result)


def _size(kind: Kind, count: int, dimension: int) -> dict[str, dict[str, float]]:
    """`written` is before optimising, which reserves whole pages: it shows what is in them."""
    with tempfile.TemporaryDirectory() as folder:
        _fill(Path(folder), kind, count, dimension)
        written = _disk(Path(folder))
        seconds = _optimise(Path(folder))
        # A process of its own: what it holds is the open collection and nothing of the filling.
        with multiprocessing.get_context("spawn").Pool(1) as process:
            memory = process.apply(_memory, (folder, dimension))
        disk = _disk(Path(folder))
        work = {"optimise_core_seconds": round(seconds, 1)}
        return {"written": written, "disk": disk, "memory": memory, "work": work}


def _fill(folder: Path, kind: Kind, count: int, dimension: int) -> None:
    store = EdgeStore(folder)
    space = Space("model", dimension, "model", "fingerprint", frozenset({kind}))
    collection = collections.create(store, "assets", [space])
    collections.remember_fields(store, collection, {"year": FieldType.NUMBER})
    chance = np.random.default_rng(1)
    centres = chance.standard_normal((200, dimension))
    for first in range(0, count, PAGE):
        assets = [_asset(kind, number, chance) for number in range(first, min(first + PAGE, count))]
        vectors = centres[chance.integers(0, 200, len(assets))]
        vectors = vectors + 0.7 * chance.standard_normal(vectors.shape)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        store.insert("assets", [asset_point(asset) for asset in assets])
        store.write_vectors("assets", [*_rows(assets, vectors.astype(np.float32))])
        mark = {"status": Status.INDEXED.value, "indexed_at": now()}
        store.set_payload("assets", {asset.id: mark for asset in assets})
        put_documents(store, "assets", [*_documents(assets)])
    store.close()


def _optimise(folder: Path) -> float:
    """Build all indexes; the processor's seconds that it took, of all cores together."""
    store = EdgeStore(folder)
    began = time.process_time()
    while store.optimize("assets"):
        pass
    seconds = time.process_time() - began
    store.close()
    return seconds


def _rows(assets: list[Asset], vectors: np.ndarray) -> Iterator[PointVectors]:
    sparse = terms.document_terms([asset.text or "" for asset in assets])
    for asset, vector, words in zip(assets, vectors, sparse, strict=True):
        yield PointVectors(asset.id, {"model": vector}, words if asset.text else None)


def _documents(assets: Sequence[Asset]) -> Iterator[Document]:
    """The files: one a picture, one for several passages."""
    sources = {asset.sources[0].uri: (asset, asset.sources[0].path) for asset in assets}
    for uri, (asset, path) in sources.items():
        stamp = 1_700_000_000_000_000_000
        yield Document(uri, path, Status.READ, asset.bytes, stamp, job=asset.job)


def _asset(kind: Kind, number: int, chance: np.random.Generator) -> Asset:
    """As ingest writes it: a picture among many folders, or a passage of a text."""
    file, ending = (number, "jpg") if kind is Kind.IMAGE else (number // PASSAGES, "txt")
    path = f"/srv/archive/series-{file // 1000:04}/{file:08}.{ending}"
    text = _passage(chance) if kind is Kind.TEXT else None
    uri = f"file://{path}"
    whole = (0, len(text)) if text else (None, None)
    return Asset(
        id=asset_id(kind, str(number)),
        kind=kind,
        status=Status.PENDING,
        sha256=hashlib.sha256(str(number).encode()).hexdigest(),
        media_type="text/plain" if text else "image/jpeg",
        bytes=len(text) if text else 1_500_000,
        sources=(Source(uri, path, start=whole[0], end=whole[1]),),
        blob=None if text else uri,
        text=text,
        width=None if text else 4000,
        height=None if text else 3000,
        metadata={"year": int(chance.integers(1850, 2000))},
        added_at=now(),
        job=str(uuid.UUID(int=number // 100_000)),
    )


def _passage(chance: np.random.Generator) -> str:
    """Words as frequent as in prose, by Zipf's law, of about five letters each."""
    ranks = np.minimum(chance.zipf(1.2, WORDS), VOCABULARY)
    return " ".join(_word(int(rank)) for rank in ranks)


def _word(rank: int) -> str:
    return hashlib.blake2b(str(rank).encode(), digest_size=4).hexdigest()[: 3 + rank % 6]


def _payload_bytes(kind: Kind) -> int:
    chance = np.random.default_rng(1)
    payloads = [asset_point(_asset(kind, number, chance)).payload for number in range(500)]
    return sum(len(json.dumps(payload)) for payload in payloads) // len(payloads)


def _disk(folder: Path) -> dict[str, float]:
    """Bytes that the disk holds, by part; files that are only reserved count for nothing."""
    sizes: dict[str, float] = defaultdict(float, dict.fromkeys((*_PARTS.values(), *_OTHERS), 0))
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            used = path.lstat().st_blocks * 512
            sizes[_part(path.relative_to(folder))] += used
            sizes["whole"] += used
    return dict(sizes)


def _part(path: Path) -> str:
    for step in path.parts:
        for beginning, part in _PARTS.items():
            if step.startswith(beginning):
                return f"{part}_sparse" if "bm25" in step else part
    return "rest"


def _memory(folder: str, dimension: int) -> dict[str, float]:
    """What the process holds after the collection was opened and asked a hundred times.

    `own` is memory of its own; `mapped` are pages of the files, which the system takes back
    when it needs them.
    """
    before = _smaps()
    store = EdgeStore(Path(folder))
    chance = np.random.default_rng(3)
    for vector in chance.standard_normal((100, dimension)).astype(np.float32):
        store.nearest("assets", [NearestQuery("model", vector / np.linalg.norm(vector), 20)])
    after = _smaps()
    store.close()
    return {part: after[part] - before[part] for part in after}


def _smaps() -> Mapping[str, int]:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    sizes = {line.split()[0].rstrip(":"): int(line.split()[1]) * 1024 for line in lines}
    return {"own": sizes["Anonymous"], "mapped": sizes["Rss"] - sizes["Anonymous"]}
