"""The baseline `pixels`: the numbers can be told from the pictures."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest

from indexer.embedders.loading import LoadedEmbedders
from indexer.errors import UnsupportedMedia
from indexer.ports import Embedder, Vectors


@pytest.fixture
def pixels() -> Embedder:
    return LoadedEmbedders("cpu").get("pixels")


def vectors(pixels: Embedder, *pictures: PIL.Image.Image) -> Vectors:
    return pixels.embed_images([pixels.prepare(picture) for picture in pictures])


def half(left: int, right: int) -> PIL.Image.Image:
    """A picture with one grey on its left half and another on its right."""
    picture = PIL.Image.new("L", (64, 64), left)
    picture.paste(right, (32, 0, 64, 64))
    return picture.convert("RGB")


def test_a_vector_is_the_pixels_less_their_mean(pixels: Embedder) -> None:
    picture = np.zeros((32, 32, 3), dtype=np.uint8)
    picture[0, 0, 0] = 255
    (vector,) = vectors(pixels, PIL.Image.fromarray(picture))
    assert vector.shape == (pixels.dimension,) == (3072,)
    assert vector[0] == pytest.approx(1, abs=1e-3), "red, top left: all that sticks out"
    assert vector[1:].max() == pytest.approx(vector[1:].min(), abs=1e-6)
    assert float(vector @ vector) == pytest.approx(1, abs=1e-5)


def test_neither_brightness_nor_contrast_counts(pixels: Embedder) -> None:
    dark, bright, faint, turned = vectors(
        pixels, half(0, 100), half(150, 250), half(120, 130), half(100, 0)
    )
    assert float(dark @ bright) == pytest.approx(1, abs=1e-4)
    assert float(dark @ faint) == pytest.approx(1, abs=1e-4)
    assert float(dark @ turned) == pytest.approx(-1, abs=1e-4)


def test_colours_are_told_apart(pixels: Embedder) -> None:
    red, pink, blue = vectors(
        pixels,
        *(PIL.Image.new("RGB", (8, 8), colour) for colour in ("red", (255, 80, 80), "blue")),
    )
    assert float(red @ pink) == pytest.approx(1, abs=1e-5)
    assert float(red @ blue) == pytest.approx(-0.5, abs=1e-5), "(1 -½ -½) and (-½ -½ 1) / 1.5"


def test_plain_grey_is_like_plain_grey_and_nothing_else(pixels: Embedder) -> None:
    grey, white, striped = vectors(pixels, half(77, 77), half(255, 255), half(0, 255))
    assert float(grey @ white) == pytest.approx(1, abs=1e-5)
    assert float(grey @ striped) == pytest.approx(0, abs=1e-5)


def test_it_is_there_without_weights_and_takes_no_texts(pixels: Embedder) -> None:
    loader = LoadedEmbedders("cpu")
    assert loader.available("pixels").on_disk
    assert loader.space_of("pixels").fingerprint == pixels.fingerprint
    with pytest.raises(UnsupportedMedia, match="'pixels' sees pictures only"):
        pixels.embed_queries(["a cat"])
