"""Vectors of open_clip models are those of open_clip's own pipeline."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from indexer.domain import Kind
from indexer.embedders.clip import ClipEmbedder, load_clip
from indexer.embedders.loading import LoadedEmbedders
from indexer.embedders.naming import resolve
from indexer.embedders.preprocess import Preprocess, prepare
from indexer.errors import ModelUnavailable
from indexer.ports import Logits
from tests.models.conftest import Checkpoint
from tests.models.libraries import normalised

pytestmark = pytest.mark.slow

TEXTS = [
    "a photo of a cat",
    "",
    "word " * 500,
    "Ein Café in Zürich – 猫の写真 🐈",
    "it's  UPPER\n\tcase &amp; <b>markup</b>",
]


def test_images_have_open_clips_own_vectors(
    clip: ClipEmbedder, checkpoint: Checkpoint, photos: dict[str, PIL.Image.Image]
) -> None:
    import torch

    inputs = torch.stack([checkpoint.preprocess(photo) for photo in photos.values()])
    with torch.inference_mode():
        expected = checkpoint.network.encode_image(inputs, normalize=True).numpy()
    prepared = [clip.prepare(photo) for photo in photos.values()]
    mean, std = checkpoint.preprocess.transforms[-1].mean, checkpoint.preprocess.transforms[-1].std
    seen = [normalised(picture, mean, std) for picture in prepared]
    np.testing.assert_allclose(np.stack(seen), inputs.numpy(), atol=1e-6)
    vectors = clip.embed_images(prepared)
    assert vectors.dtype == np.float32
    assert (vectors * expected).sum(axis=1).min() >= 0.9999
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_texts_have_open_clips_own_vectors(clip: ClipEmbedder, checkpoint: Checkpoint) -> None:
    import torch

    with torch.inference_mode():
        tokens = checkpoint.tokenizer(TEXTS)
        expected = checkpoint.network.encode_text(tokens, normalize=True).numpy()
    assert (clip.embed_texts(TEXTS) * expected).sum(axis=1).min() >= 0.9999
    assert (clip.embed_queries(TEXTS) * expected).sum(axis=1).min() >= 0.9999


def test_cosines_are_read_as_the_network_learnt_to(
    clip: ClipEmbedder, checkpoint: Checkpoint
) -> None:
    import torch

    with torch.inference_mode():
        scale = checkpoint.network(None, checkpoint.tokenizer(["a"]))[-1].item()
    assert clip.logits == {Kind.IMAGE: Logits(scale)}


def test_the_embedder_describes_itself(clip: ClipEmbedder, checkpoint: Checkpoint) -> None:
    assert (clip.dimension, clip.image_size, clip.text_window) == (512, 224, 75)
    assert clip.kinds == {Kind.IMAGE, Kind.TEXT}
    assert clip.name == f"open_clip:ViT-B-32/{checkpoint.path}"


def test_padding_that_is_not_computed_changes_nothing(
    clip: ClipEmbedder, checkpoint: Checkpoint
) -> None:
    import torch

    assert clip.embed_texts(["a dog"]).shape == (1, 512)
    lengths = [len(batch[0][0]) for batch in clip.towers["text"].examples()]
    assert lengths[0] == 3, "start, one word, end: not 77"
    for text in ("sea", "a long sentence " * 30):
        with torch.inference_mode():
            expected = checkpoint.network.encode_text(checkpoint.tokenizer([text]), normalize=True)
        np.testing.assert_allclose(clip.embed_texts([text]), expected.numpy(), atol=1e-5)


def test_tokens_are_counted_beyond_the_window(clip: ClipEmbedder) -> None:
    assert clip.count_tokens(["a photo of a cat", "", "cat " * 500]) == [5, 0, 500]
    assert clip.count_tokens([]) == []


def test_text_is_cut_exactly_at_the_window(clip: ClipEmbedder) -> None:
    full, more = "cat " * clip.text_window, "cat " * clip.text_window + "dog"
    less = "cat " * (clip.text_window - 1)
    vectors = clip.embed_texts([full, more, less])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)
    assert not np.allclose(vectors[0], vectors[2], atol=1e-6)


def test_nothing_in_nothing_out(clip: ClipEmbedder) -> None:
    assert clip.embed_images([]).shape == clip.embed_texts([]).shape == (0, 512)


def test_undecodable_file_names_are_embedded(clip: ClipEmbedder) -> None:
    assert np.isfinite(clip.embed_texts(["photo-\udcff.jpg"])).all()


def test_batches_and_threads_do_not_change_vectors(clip: ClipEmbedder) -> None:
    texts = [f"photo number {n}" for n in range(9)]
    together = clip.embed_texts(texts)
    with ThreadPoolExecutor(4) as threads:
        alone = np.vstack(list(threads.map(lambda text: clip.embed_texts([text]), texts)))
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_fingerprint_follows_the_weights(checkpoint: Checkpoint, clip: ClipEmbedder) -> None:
    loader = LoadedEmbedders("cpu")
    space = loader.space_of(checkpoint.model.name)
    assert (space.fingerprint, space.dimension) == (clip.fingerprint, 512)
    other = checkpoint.path.with_name("other.safetensors")
    other.write_bytes(b"other weights")
    changed = loader.space_of(f"open_clip:ViT-B-32/{other}")
    assert changed.fingerprint != space.fingerprint


def test_pickled_code_is_not_run(tmp_path: Path) -> None:
    import torch

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (tmp_path / "trapped",)

    torch.save({"state_dict": {"weight": Trap()}}, tmp_path / "trap.pt")
    with pytest.raises(ModelUnavailable, match=r"trap\.pt"):
        load_clip(resolve(f"open_clip:ViT-S-32-alt/{tmp_path / 'trap.pt'}"), "cpu")
    assert not (tmp_path / "trapped").exists()


def test_weights_of_another_architecture_are_refused(checkpoint: Checkpoint) -> None:
    with pytest.raises(ModelUnavailable, match="ViT-S-32-alt"):
        load_clip(resolve(f"open_clip:ViT-S-32-alt/{checkpoint.path}"), "cpu")


@pytest.mark.parametrize("fit", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("size", [(64, 64), (48, 80)])
def test_every_fit_is_prepared_as_by_open_clip(
    fit: str, size: tuple[int, int], photos: dict[str, PIL.Image.Image]
) -> None:
    from open_clip.transform import image_transform

    reference = image_transform(size, is_train=False, resize_mode=fit, fill_color=9)
    mean, std = reference.transforms[-1].mean, reference.transforms[-1].std
    ours = Preprocess(*size, fit, PIL.Image.Resampling.BICUBIC, mean, std, fill=9)  # type: ignore[arg-type]
    for name, photo in photos.items():
        expected = reference(photo).numpy()
        found = normalised(prepare(photo, ours), mean, std)
        np.testing.assert_allclose(found, expected, atol=1e-6, err_msg=name)


def test_a_very_long_strip_is_prepared_in_little_memory(clip: ClipEmbedder) -> None:
    strip = PIL.Image.new("RGB", (60_000, 1), (200, 10, 10))
    prepared = clip.prepare(strip)
    assert prepared.shape == (224, 224, 3)
    assert np.ptp(prepared[:, :, 0]) == 0


def test_siglip_judges_each_text_for_itself() -> None:
    """Its cosines come with a bias: without one, scores would be shares of each other."""
    import torch
    from torch import nn

    from indexer.embedders.clip import _logits

    network = nn.Module()
    network.logit_scale = nn.Parameter(torch.tensor([2.0]).log())
    network.logit_bias = nn.Parameter(torch.tensor([-10.0]))

    found = _logits(network)
    assert found.scale == pytest.approx(2.0)
    assert found.bias == -10.0
