"""A decoded image as a model's input, with Pillow and numpy only: decoding threads run this.

The pixels are those of torchvision's transforms on Pillow images, which the models were trained
with; tests hold both against each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import PIL.Image
from numpy.typing import NDArray

Fit = Literal["shortest", "longest", "squash"]
Colour = tuple[float, float, float]

# A strip of 1 × 60,000 pixels would fill gigabytes when its short side grows to 224.
MAX_ASPECT: Final = 32


@dataclass(frozen=True, slots=True)
class Preprocess:
    """How an image becomes (height, width, 3): `shortest` fills and crops, `longest` fits and
    pads with `fill` (0 to 255), `squash` ignores the aspect ratio. Sizes in pixels; `mean` and
    `std` are of channels in 0 to 1, and are for the tower to apply.
    """

    height: int
    width: int
    fit: Fit
    filter: PIL.Image.Resampling
    mean: Colour
    std: Colour
    fill: int = 0


def prepare(image: PIL.Image.Image, how: Preprocess) -> NDArray[np.uint8]:
    """The image, resized and cropped, as bytes of shape (height, width, 3).

    Channels are normalised where the model runs: bytes are a quarter of what floats would take
    on their way there, and a GPU does it for nothing.
    """
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    if how.fit == "shortest":
        rgb = _middle_of_strip(rgb)
    resized = rgb.resize(resized_to(rgb.size, how), how.filter)
    return np.asarray(_centred(resized, how), dtype=np.uint8)


def resized_to(size: tuple[int, int], how: Preprocess) -> tuple[int, int]:
    """Width and height before the crop, at least one pixel each."""
    width, height = size
    if how.fit == "squash":
        return how.width, how.height
    if how.fit == "shortest" and how.width == how.height:
        # torchvision's Resize cuts fractions of a pixel off; timm's, below, rounds them.
        if width <= height:
            return how.width, how.width * height // width
        return how.width * width // height, how.width
    ratios = (height / how.height, width / how.width)
    ratio = min(ratios) if how.fit == "shortest" else max(ratios)
    return max(1, round(width / ratio)), max(1, round(height / ratio))


def _middle_of_strip(image: PIL.Image.Image) -> PIL.Image.Image:
    """The middle of an extremely long image, which is all that the later crop will see."""
    width, height = image.size
    longest = MAX_ASPECT * min(width, height)
    left, top = max(width - longest, 0) // 2, max(height - longest, 0) // 2
    if not left and not top:
        return image
    return image.crop((left, top, width - left, height - top))


def _centred(image: PIL.Image.Image, how: Preprocess) -> PIL.Image.Image:
    """The middle (height, width) of the image, padded where it is smaller."""
    width, height = image.size
    if width < how.width or height < how.height:
        left, top = max(how.width - width, 0) // 2, max(how.height - height, 0) // 2
        size = max(width, how.width), max(height, how.height)
        padded = PIL.Image.new("RGB", size, (how.fill, how.fill, how.fill))
        padded.paste(image, (left, top))
        image, (width, height) = padded, size
    left, top = round((width - how.width) / 2), round((height - how.height) / 2)
    return image.crop((left, top, left + how.width, top + how.height))
