"""Any pixel format as 8-bit RGB, so that what a model sees is what a person would see."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

_WHITE = (255, 255, 255, 255)
_DIRECT = frozenset(("L", "CMYK", "YCbCr", "HSV", "1"))
_TWELVE_BITS, _SIXTEEN_BITS = 4095, 65535


def to_rgb(image: Image.Image) -> Image.Image:
    """A loaded image as RGB: transparency over white, deep greyscale scaled and not clipped."""
    if image.mode in ("LA", "PA", "La", "RGBA", "RGBa") or "transparency" in image.info:
        return _over_white(image)
    if image.mode == "RGB":
        return image
    if image.mode in _DIRECT or image.mode == "P":
        return image.convert("RGB")
    if image.mode == "LAB":
        return _from_lab(image)
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_eight_bits(np.asarray(image))).convert("RGB")
    return image.convert("RGB")


def _over_white(image: Image.Image) -> Image.Image:
    if image.mode in ("La", "RGBa"):
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, _WHITE)
    return Image.alpha_composite(white, image).convert("RGB")


def _from_lab(image: Image.Image) -> Image.Image:
    lab, rgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, lab, rgb, outputMode="RGB")
    return image.convert("RGB") if converted is None else converted


def _eight_bits(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Grey levels of any depth as 0 to 255.

    Whole numbers up to 65,535 keep their blackness and are scaled by the full range of 12 or 16
    bits, whichever holds them (12-bit microscopes and scanners write 16-bit files). Floats within
    0 to 1 and 0 to 255 are taken as such. All else is stretched from its least to its greatest.
    """
    grey = values.astype(np.float32)
    finite = np.isfinite(grey)
    if not finite.any():
        return np.zeros(grey.shape, np.uint8)
    low, high = float(grey[finite].min()), float(grey[finite].max())
    grey = np.where(finite, grey, low)
    low, high = _range(low, high, whole=values.dtype.kind in "iu")
    scaled = (grey - low) * (255 / (high - low)) if high > low else grey * 0
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def _range(low: float, high: float, *, whole: bool) -> tuple[float, float]:
    if whole and low >= 0 and high <= _SIXTEEN_BITS:
        return 0, _TWELVE_BITS if high <= _TWELVE_BITS else _SIXTEEN_BITS
    if not whole and low >= 0 and high <= 255:
        return 0, 1 if high <= 1 else 255
    return low, high
