"""Compiled towers: the same vectors, made once, and torch wherever anything is amiss."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from indexer.embedders import compiled
from indexer.embedders.compiled import AGREEMENT, VERDICT, CompiledTowers, Verdict, key
from indexer.embedders.mini import MiniEmbedder, load_mini
from indexer.embedders.naming import resolve
from indexer.embedders.quantisation import weights_to_bytes
from indexer.embedders.running import CompiledRun
from indexer.embedders.tower import Tower
from indexer.embedders.vision.pixels import load_pixels
from indexer.errors import ModelUnavailable
from indexer.ports import Embedder
from tests.fakes import ColourEmbedder

pytestmark = pytest.mark.slow

TEXTS = ["sea", "a dog on the beach", "the minutes of the council were read and approved " * 6]
PICTURES = [
    np.full((224, 224, 3), 90, dtype=np.uint8),
    np.tile(np.arange(224, dtype=np.uint8)[:, None, None], (1, 224, 3)),
    np.random.default_rng(1).integers(0, 256, (224, 224, 3), dtype=np.uint8),
]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which `mini` was compiled by the process that does so for users."""
    folder = tmp_path_factory.mktemp("compiled")
    made = folder / key(load_mini("cpu").fingerprint)
    command = [sys.executable, "-m", "indexer.embedders.compilation", "mini", str(made)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as child:  # open until it has ended
        assert child.wait(timeout=280) == 0
    return folder


@pytest.fixture
def mini() -> MiniEmbedder:
    return load_mini("cpu")


def is_compiled(tower: Tower) -> bool:
    return tower.network is None


def test_each_tower_has_a_verdict_that_follows_the_rules(cache: Path, mini: MiniEmbedder) -> None:
    verdicts = compiled.read_verdicts(cache / key(mini.fingerprint))
    assert verdicts.keys() == {"image", "text"}
    for name, verdict in verdicts.items():
        assert verdict.cosine >= AGREEMENT, "mini's towers agree on any processor"
        kept = (cache / key(mini.fingerprint) / f"{name}.blob").is_file()
        assert kept == (verdict.precision is not None), "torch's is kept by not keeping ours"


def test_compiled_towers_give_the_same_vectors(cache: Path, mini: MiniEmbedder) -> None:
    texts, pictures = mini.embed_texts(TEXTS), mini.embed_images(PICTURES)
    CompiledTowers(cache).adopt(mini)
    verdicts = compiled.read_verdicts(cache / key(mini.fingerprint))
    for name, tower in mini.towers.items():
        assert is_compiled(tower) == (verdicts[name].precision is not None)
    assert (mini.embed_texts(TEXTS) * texts).sum(axis=1).min() >= AGREEMENT
    assert (mini.embed_images(PICTURES) * pictures).sum(axis=1).min() >= AGREEMENT
    assert mini.embed_texts([]).shape == mini.embed_images([]).shape == (0, 384)


def test_a_model_in_use_is_compiled_in_the_background(tmp_path: Path, mini: MiniEmbedder) -> None:
    towers = CompiledTowers(tmp_path)
    towers.adopt(mini)
    assert not any(is_compiled(tower) for tower in mini.towers.values())
    mini.embed_texts(["in earnest"] * compiled.USES)
    folder = tmp_path / key(mini.fingerprint)
    deadline = time.monotonic() + 280
    while not (folder / VERDICT).is_file():
        assert time.monotonic() < deadline
        time.sleep(0.2)
        mini.embed_texts(["work goes on"])
    towers.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [folder.name], "nothing half made"


def test_a_model_is_compiled_at_once_when_asked(cache: Path, mini: MiniEmbedder) -> None:
    told = CompiledTowers(cache).compile("mini", mini.fingerprint)
    assert told == compiled.read_verdicts(cache / key(mini.fingerprint))
    with pytest.raises(ModelUnavailable, match="was not compiled"):
        CompiledTowers(cache).compile("timm:no-such-model", "another")


def test_what_is_not_in_earnest_use_is_left_alone(tmp_path: Path, mini: MiniEmbedder) -> None:
    towers = CompiledTowers(tmp_path)
    towers.adopt(mini)
    mini.embed_texts(["one search"])
    time.sleep(1.5)
    towers.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("verdict", "blob"),
    [
        ("{", b""),
        (json.dumps({"text": {"precision": "f32", "cosine": 1, "speedup": 2}}), b"no network"),
        (json.dumps({"text": {"precision": "f32", "cosine": 1, "speedup": 2}}), None),
        (json.dumps({"text": {"precision": None, "cosine": 0.9, "speedup": 9}}), None),
    ],
    ids=["torn verdict", "broken blob", "no blob", "torch is better"],
)
def test_torch_stays_where_the_cache_is_of_no_use(
    tmp_path: Path, mini: MiniEmbedder, verdict: str, blob: bytes | None
) -> None:
    folder = tmp_path / key(mini.fingerprint)
    folder.mkdir()
    (folder / VERDICT).write_text(verdict)
    if blob is not None:
        (folder / "text.blob").write_bytes(blob)
    CompiledTowers(tmp_path).adopt(mini)
    assert not any(is_compiled(tower) for tower in mini.towers.values())
    assert mini.embed_texts(["a dog"]).shape == (1, 384)


@pytest.mark.parametrize("embedder", [ColourEmbedder(), load_pixels(resolve("pixels"))])
def test_a_model_without_towers_is_left_alone(tmp_path: Path, embedder: Embedder) -> None:
    towers = CompiledTowers(tmp_path)
    before = threading.active_count()
    towers.adopt(embedder)
    assert threading.active_count() == before, "nothing waits to compile it"
    assert list(tmp_path.iterdir()) == []


def test_compiling_ends_with_the_process_that_wanted_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "indexer.embedders.compilation", "mini", str(tmp_path / "x")]
    child = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(timeout=60) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_verdict_reads_back_as_written(tmp_path: Path) -> None:
    row = {"precision": "bf16", "cosine": 0.9995, "speedup": 4.4}
    (tmp_path / VERDICT).write_text(json.dumps({"image": row}))
    assert compiled.read_verdicts(tmp_path) == {"image": Verdict("bf16", 0.9995, 4.4)}


def test_batches_side_by_side_come_back_in_order(cache: Path, mini: MiniEmbedder) -> None:
    blob = cache / key(mini.fingerprint) / "image.blob"
    if not blob.is_file():
        pytest.skip("torch is the better choice on this processor")
    batches = [(np.stack([picture] * count),) for count, picture in enumerate(PICTURES * 3, 1)]
    expected = mini.towers["image"].embed(batches)
    run = CompiledRun(blob, "f32", streams=2)
    with ThreadPoolExecutor(3) as threads:
        for found in threads.map(run, [batches] * 6):
            assert [len(vectors) for vectors in found] == list(range(1, 10))
            assert (np.concatenate(found) * expected).sum(axis=1).min() >= AGREEMENT
    (alone,) = run(batches[:1])
    assert float(alone[0] @ expected[0]) >= AGREEMENT


def test_weights_as_bytes_stay_what_they_are_to_a_hundredth() -> None:
    openvino = pytest.importorskip("openvino")
    from openvino import opset13

    weights = np.random.default_rng(0).normal(size=(400, 300)).astype(np.float32)
    given = opset13.parameter([-1, 300], np.float32)
    product = opset13.matmul(given, opset13.constant(weights), False, True)
    graph = openvino.Model([product], [given])
    vectors = np.random.default_rng(1).normal(size=(5, 300)).astype(np.float32)
    expected = vectors @ weights.T
    assert weights_to_bytes(graph) == 1
    found = openvino.Core().compile_model(graph, "CPU")(vectors)[0]
    assert 0 < np.abs(found - expected).max() < 0.01 * np.abs(expected).max()
