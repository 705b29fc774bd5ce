"""One collection with several models: each picture is found in the space that is named."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import skimage
from safetensors.torch import save_file

from tests.integration.conftest import Live

PICTURES = Path(skimage.__file__).parent / "data"
NAMES = ("chelsea.png", "coffee.png", "astronaut.png", "rocket.jpg")


@pytest.fixture(scope="module")
def sight(live: Live) -> str:
    """The name of a tiny image model with random weights, in the folder that clients may use."""
    import timm
    import torch

    torch.manual_seed(3)
    file = live.open_folder / "tiny.safetensors"
    save_file(timm.create_model("test_vit").state_dict(), file)
    return f"timm:test_vit/{file.resolve()}"


@pytest.fixture(scope="module")
def gallery(live: Live, sight: str) -> Iterator[str]:
    name = "gallery"
    wanted = {"name": name, "models": ["mini", "pixels", sight]}
    live.owner.post("/v1/collections", json=wanted).raise_for_status()
    files = [("files", (name, (PICTURES / name).read_bytes())) for name in NAMES]
    added = live.owner.post(f"/v1/collections/{name}/assets/upload", files=files)
    live.settled(name, added.json()["job"]["id"])
    yield name
    live.owner.delete(f"/v1/collections/{name}")


def ask(live: Live, gallery: str, **question: object) -> httpx.Response:
    return live.client.post(f"/v1/collections/{gallery}/search", json=question)


def test_the_collection_tells_its_spaces(live: Live, gallery: str, sight: str) -> None:
    told: dict[str, Any] = live.client.get(f"/v1/collections/{gallery}").json()
    assert [(space["embedder"], space["dimension"]) for space in told["spaces"]] == [
        ("mini", 384),
        ("pixels", 3072),
        (sight, 64),
    ]
    assert told["totals"]["indexed"] == len(NAMES)


def test_a_picture_is_found_in_each_space(live: Live, gallery: str, sight: str) -> None:
    picture = base64.b64encode((PICTURES / "coffee.png").read_bytes()).decode()
    for space in ("mini", "pixels", sight):
        (best, *others) = ask(live, gallery, image=picture, space=space).json()["hits"]
        assert best["source"]["path"] == "coffee.png"
        assert best["score"] == pytest.approx(1, abs=1e-3)
        assert len(others) == 3
    unnamed = ask(live, gallery, image=picture).json()["hits"]
    assert {hit["space"] for hit in unnamed} == {"mini"}, "the first of the models given"


def test_a_text_is_refused_where_only_pictures_are(live: Live, gallery: str) -> None:
    refused = ask(live, gallery, text="a cup of coffee", space="pixels")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_query")
    assert "'pixels'" in refused.json()["message"]
    assert "mini (image and text)" in refused.json()["message"]
    found = ask(live, gallery, text="a cup of coffee").json()["hits"]
    assert found[0]["source"]["path"] == "coffee.png"


def test_a_model_on_a_path_outside_the_folders_is_forbidden(live: Live, tmp_path: Path) -> None:
    for name in ("weights.safetensors", "preprocessor_config.json"):
        (tmp_path / name).touch()
    for model in (
        f"timm:test_vit/{tmp_path / 'weights.safetensors'}",
        f"torchvision:resnet18/{tmp_path / 'weights.safetensors'}",
        f"transformers:{tmp_path}",
    ):
        refused = live.client.post("/v1/collections", json={"name": "x", "models": [model]})
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
