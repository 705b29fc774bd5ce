"""Vectors of image models are those of timm's, torchvision's and transformers' own pipelines.

Checkpoints are random but seeded, of the smallest architectures there are.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from indexer.domain import Kind
from indexer.embedders.loading import LoadedEmbedders
from indexer.embedders.naming import resolve
from indexer.embedders.vision.from_timm import timm_fingerprint
from indexer.errors import ModelNotFound, ModelUnavailable, UnsupportedMedia
from indexer.ports import Embedder
from tests.models.libraries import (
    Library,
    Photos,
    of_timm,
    of_torchvision,
    of_transformers,
    save_transformers,
)

TIMM = ("test_vit", "test_resnet", "test_efficientnet", "test_convnext")
TORCHVISION = ("mobilenet_v3_small", "shufflenet_v2_x0_5", "squeezenet1_1")


def assert_equal(embedder: Embedder, library: Library, photos: Photos) -> None:
    prepared = [embedder.prepare(photo) for photo in photos.values()]
    vectors = embedder.embed_images(prepared)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(photos), embedder.dimension)
    assert (vectors * library.vectors).sum(axis=1).min() >= 0.9999
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("architecture", TIMM)
def test_timm(architecture: str, tmp_path: Path, photos: Photos) -> None:
    library = of_timm(architecture, tmp_path, photos)
    embedder = LoadedEmbedders("cpu", 4).get(library.name)
    assert_equal(embedder, library, photos)
    prepared = embedder.prepare(next(iter(photos.values())))
    assert (embedder.image_size, prepared.shape) == (168, (160, 160, 3)), "160 / 0.95 = 168"


@pytest.mark.parametrize("architecture", TORCHVISION[:2])
def test_torchvision(architecture: str, tmp_path: Path, photos: Photos) -> None:
    library = of_torchvision(architecture, tmp_path, photos)
    embedder = LoadedEmbedders("cpu", 4).get(library.name)
    assert_equal(embedder, library, photos)
    assert embedder.image_size == 256


@pytest.mark.parametrize(
    ("kind", "image_size", "dimension"),
    [("dinov2", 80, 32), ("vit", 64, 32), ("swin", 64, 32), ("convnext", 64, 16)],
)
def test_transformers(
    kind: str, image_size: int, dimension: int, tmp_path: Path, photos: Photos
) -> None:
    library = of_transformers(kind, tmp_path, photos)
    embedder = LoadedEmbedders("cpu", 4).get(library.name)
    assert_equal(embedder, library, photos)
    assert (embedder.image_size, embedder.dimension) == (image_size, dimension)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """timm's test_vit, 1.5 MB."""
    import timm
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(14)
    file = tmp_path_factory.mktemp("weights") / "vit.safetensors"
    save_file(timm.create_model("test_vit").state_dict(), file)
    return file


@pytest.fixture(scope="module")
def vit(weights: Path) -> Embedder:
    return LoadedEmbedders("cpu", 4).get(f"timm:test_vit/{weights}")


def test_the_embedder_describes_itself(vit: Embedder, weights: Path) -> None:
    assert vit.kinds == {Kind.IMAGE}
    assert (vit.name, vit.text_window) == (f"timm:test_vit/{weights}", 0)
    space = LoadedEmbedders("cpu").space_of(vit.name)
    assert (space.fingerprint, space.dimension) == (vit.fingerprint, 64)
    assert space.kinds == {Kind.IMAGE}


def test_texts_are_refused_by_name(vit: Embedder) -> None:
    for refuse in (vit.embed_texts, vit.embed_queries, vit.count_tokens):
        with pytest.raises(UnsupportedMedia, match="sees pictures only"):
            refuse(["a cat"])


def test_batches_and_threads_do_not_change_vectors(vit: Embedder, photos: Photos) -> None:
    prepared = [vit.prepare(photo) for photo in photos.values()]
    together = vit.embed_images(prepared)
    with ThreadPoolExecutor(4) as threads:
        alone = np.vstack(list(threads.map(lambda one: vit.embed_images([one]), prepared)))
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert vit.embed_images([]).shape == (0, 64)


def test_the_fingerprint_follows_weights_and_preparation(weights: Path) -> None:
    import timm
    from safetensors.torch import save_file

    def fingerprint(name: str, file: Path) -> str | None:
        return timm_fingerprint(resolve(f"timm:{name}/{file}"))

    other = weights.with_name("other.safetensors")
    save_file(timm.create_model("test_vit").state_dict(), other)
    first = fingerprint("test_vit", weights)
    assert first == fingerprint("test_vit", weights)
    assert first != fingerprint("test_vit", other), "other weights"
    assert first != fingerprint("test_resnet", weights), "bilinear, and not bicubic"
    assert fingerprint("test_vit.r160_in1k", weights) is not None


def test_a_checkpoint_of_other_classes_or_none_gives_the_same_vectors(
    vit: Embedder, weights: Path, photos: Photos
) -> None:
    import torch
    from safetensors.torch import load_file

    state = load_file(weights)
    backbone = {name: t for name, t in state.items() if not name.startswith("head.")}
    seven = {"head.weight": torch.zeros(7, 64), "head.bias": torch.zeros(7)}
    prepared = [vit.prepare(photo) for photo in photos.values()]
    expected = vit.embed_images(prepared)
    for name, saved in (
        ("backbone.pt", backbone),
        ("seven.pt", {"state_dict": {f"module.{k}": v for k, v in (backbone | seven).items()}}),
    ):
        torch.save(saved, weights.with_name(name))
        embedder = LoadedEmbedders("cpu").get(f"timm:test_vit/{weights.with_name(name)}")
        np.testing.assert_allclose(embedder.embed_images(prepared), expected, atol=1e-6)


@pytest.mark.parametrize(
    "name", ["timm:test_resnet/{}", "timm:test_vit3/{}", "torchvision:mobilenet_v3_small/{}"]
)
def test_weights_of_another_architecture_are_refused(name: str, weights: Path) -> None:
    with pytest.raises(ModelUnavailable, match="could not be read as") as caught:
        LoadedEmbedders("cpu").get(name.format(weights))
    assert str(weights) in caught.value.message
    assert len(caught.value.message) < 800


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("timm:vit_base_patch16_225", "Did you mean vit_base_patch16_224"),
        ("timm:vit_base_patch16_224.augreg_in22k", "vit_base_patch16_224.augreg_in21k"),
        ("torchvision:resnet51", "Did you mean resnet"),
        ("torchvision:resnet50.IMAGENET1K_V9", "IMAGENET1K_V1"),
        ("torchvision:fasterrcnn_resnet50_fpn", "no image classifier"),
    ],
)
def test_unknown_names_list_near_ones(name: str, told: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        LoadedEmbedders("cpu").space_of(name)
    assert told in caught.value.message


def test_a_network_without_a_last_linear_layer_is_refused(tmp_path: Path) -> None:
    import torch

    torch.save({}, tmp_path / "any.pt")
    with pytest.raises(ModelNotFound, match="no linear layer"):
        LoadedEmbedders("cpu").get(f"torchvision:{TORCHVISION[2]}/{tmp_path / 'any.pt'}")


def test_a_model_that_never_gives_the_same_vector_twice_is_refused(tmp_path: Path) -> None:
    save_transformers("masked", tmp_path)
    with pytest.raises(ModelUnavailable, match="another vector each time"):
        LoadedEmbedders("cpu").get(f"transformers:{tmp_path}")


def test_a_folder_without_its_image_processor_names_the_file(tmp_path: Path) -> None:
    save_transformers("vit", tmp_path)
    (tmp_path / "preprocessor_config.json").unlink()
    with pytest.raises(ModelUnavailable, match=r"preprocessor_config\.json"):
        LoadedEmbedders("cpu").get(f"transformers:{tmp_path}")


def test_a_checkpoint_that_lacks_layers_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    save_transformers("vit", tmp_path)
    file = tmp_path / "model.safetensors"
    state = load_file(file)
    kept = {name: tensor.clone() for name, tensor in state.items() if "pooler" not in name}
    save_file(kept, file, {"format": "pt"})
    LoadedEmbedders("cpu").get(f"transformers:{tmp_path}")  # the pooler is not used
    kept.pop(next(name for name in kept if name.endswith("1.output.dense.weight")))
    save_file(kept, file, {"format": "pt"})
    with pytest.raises(ModelUnavailable, match="it has no"):
        LoadedEmbedders("cpu").get(f"transformers:{tmp_path}")


def test_torch_hubs_own_cache_is_used_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    loader = LoadedEmbedders("cpu")
    told = loader.available("torchvision:mobilenet_v3_small")
    assert not told.on_disk
    assert "/mobilenet_v3_small-047dcff4.pth into " in told.remedy
    folder = tmp_path / "hub" / "checkpoints"
    assert str(folder) in told.remedy
    folder.mkdir(parents=True)
    (folder / "mobilenet_v3_small-047dcff4.pth").write_bytes(b"not these weights")
    with pytest.raises(ModelUnavailable, match="SHA-256"):
        loader.get("torchvision:mobilenet_v3_small")


def test_a_very_long_strip_is_prepared_in_little_memory(tmp_path: Path, vit: Embedder) -> None:
    strip = PIL.Image.new("RGB", (60_000, 1), (200, 10, 10))
    assert vit.prepare(strip).shape == (160, 160, 3)
    save_transformers("convnext", tmp_path)  # prepared by transformers itself
    convnext = LoadedEmbedders("cpu").get(f"transformers:{tmp_path}")
    assert convnext.prepare(strip).shape == (3, 64, 64)
