"""The catalogue's rows say what the libraries say."""

from __future__ import annotations

from typing import Any

import pytest

from indexer.domain import Kind
from indexer.embedders.catalogue import ROWS
from indexer.embedders.loading import FINGERPRINTS, LOADERS
from indexer.embedders.model import Model
from indexer.embedders.naming import resolve


def test_every_row_can_be_loaded_and_is_told_apart() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row.loader in LOADERS
        assert row.loader in FINGERPRINTS
        assert row.dimension
        assert row.megabytes is not None
        assert row.licence in {"MIT", "Apache-2.0", "BSD-3-Clause"}
        assert ((row.text_window or 0) > 0) == (Kind.TEXT in row.kinds)
        assert (row.image_size > 0) == (Kind.IMAGE in row.kinds)
        assert resolve(row.name) is row


def test_clip_rows_agree_with_open_clip() -> None:
    import open_clip

    for row in ROWS:
        if row.loader != "clip":
            continue
        config = open_clip.get_model_config(row.architecture)
        assert config["embed_dim"] == row.dimension
        assert config["vision_cfg"]["image_size"] == row.image_size
        published = open_clip.get_pretrained_cfg(row.architecture, row.tag)
        assert row.weights is not None
        assert published["hf_hub"] == f"{row.weights.repo}/"


TIMM_ROWS = [row for row in ROWS if row.loader == "timm"]
POOLS = {"cls": "token", "average": "avg"}


@pytest.mark.parametrize("row", TIMM_ROWS, ids=[row.name for row in TIMM_ROWS])
def test_timm_rows_agree_with_timm(row: Model) -> None:
    import timm
    import torch

    published = timm.models.get_pretrained_cfg(str(row.architecture))
    assert published is not None
    assert row.weights is not None
    assert published.hf_hub_id == row.weights.repo
    assert (published.license or "").lower() == str(row.licence).lower()
    assert published.input_size == (3, row.image_size, row.image_size)
    with torch.device("meta"):  # shapes alone: no weights are made
        whole = timm.create_model(str(row.architecture))
        assert megabytes(whole) == pytest.approx(row.megabytes, abs=1)
        network: Any = timm.create_model(str(row.architecture), num_classes=0).eval()
        assert network(torch.empty(1, 3, 224, 224)).shape == (1, row.dimension)
        maps = network.forward_features(torch.empty(1, 3, 224, 224))
    if row.pooling == "penultimate":
        assert maps.shape[1] == 512, "VGG16's fc6 and fc7 come after the last of 512 maps"
    else:
        pool = getattr(network, "global_pool", None) or network.head.global_pool
        assert POOLS[str(row.pooling)] == (pool if isinstance(pool, str) else pool.pool_type)


@pytest.mark.parametrize(("name", "heads"), [("dinov2-s-14", 6), ("dinov2-b-14", 12)])
def test_dinov2_rows_have_the_sizes_of_the_paper(name: str, heads: int) -> None:
    import torch
    from transformers import Dinov2Config, Dinov2Model

    row = resolve(name)
    config = Dinov2Config(
        hidden_size=64 * heads, num_attention_heads=heads, image_size=518, patch_size=14
    )
    with torch.device("meta"):
        assert megabytes(Dinov2Model(config)) == pytest.approx(row.megabytes, abs=1)
    assert (row.dimension, row.pooling) == (64 * heads, "cls")


def megabytes(network: Any) -> float:
    """What its parameters and statistics take in float32."""
    return float(sum(tensor.numel() for tensor in network.state_dict().values()) * 4 / 1e6)
