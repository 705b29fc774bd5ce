"""How the demo's near-duplicates and misfits are made from its pictures. Same input, same bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import PIL.Image
import PIL.ImageEnhance
import PIL.ImageOps
from numpy.typing import NDArray
from PIL.Image import Image, Resampling, Transpose

Variation = Callable[[bytes], bytes]


def encoded(image: Image, format: str = "JPEG", **options: object) -> bytes:
    """The picture as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def opened(data: bytes) -> Image:
    """The picture in three colours, whatever it was stored in."""
    return PIL.Image.open(io.BytesIO(data)).convert("RGB")


def same(data: bytes) -> bytes:
    return data


def half_size(data: bytes) -> bytes:
    image = opened(data)
    return encoded(image.resize((image.width // 2, image.height // 2), Resampling.LANCZOS))


def mirrored(data: bytes) -> bytes:
    return encoded(opened(data).transpose(Transpose.FLIP_LEFT_RIGHT))


def greyscale(data: bytes) -> bytes:
    return encoded(opened(data).convert("L"))


def strongly_compressed(data: bytes) -> bytes:
    return encoded(opened(data), quality=30)


def cropped(data: bytes) -> bytes:
    """A tenth of width and height is cut off at each side."""
    image = opened(data)
    across, down = image.width // 10, image.height // 10
    return encoded(image.crop((across, down, image.width - across, image.height - down)))


def brightened(data: bytes) -> bytes:
    return encoded(PIL.ImageEnhance.Brightness(opened(data)).enhance(1.3))


def bordered(data: bytes) -> bytes:
    return encoded(PIL.ImageOps.expand(opened(data), border=24, fill="white"))


def upside_down(data: bytes) -> bytes:
    return encoded(opened(data).transpose(Transpose.ROTATE_180))


def four_pixels_wide(data: bytes) -> bytes:
    return encoded(opened(data).resize((4, 4)), "PNG")


def cut_off(data: bytes) -> bytes:
    """The first fifth of the file, as after a broken download."""
    return data[: len(data) // 5]


VARIATIONS: Mapping[str, Variation] = {
    variation.__name__: variation
    for variation in (
        same,
        half_size,
        mirrored,
        greyscale,
        strongly_compressed,
        cropped,
        brightened,
        bordered,
        upside_down,
        four_pixels_wide,
        cut_off,
    )
}


def noise() -> bytes:
    """A square of random colours; always the same ones."""
    pixels = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    return encoded(PIL.Image.fromarray(pixels), "PNG")


def blank() -> bytes:
    return encoded(PIL.Image.new("RGB", (320, 240), "white"), "PNG")


def pages(pictures: Sequence[bytes]) -> bytes:
    """One TIFF with a page for each picture, like a scanned letter."""
    first, *others = (opened(data).convert("L") for data in pictures)
    return encoded(first, "TIFF", save_all=True, append_images=others, compression="tiff_lzw")


def portrait(face: NDArray[np.float64]) -> bytes:
    """A face of 25 × 25 pixels with values from 0 to 1, enlarged eight times."""
    small = PIL.Image.fromarray((face * 255).round().astype(np.uint8))
    return encoded(small.resize((200, 200), Resampling.BICUBIC), "PNG")
