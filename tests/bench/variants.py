"""Variants of photographs as they come about: resized, re-encoded, cropped, turned, written over.

Same picture and seed, same bytes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

import PIL.Image
import PIL.ImageDraw
import PIL.ImageEnhance
import PIL.ImageFont
import PIL.ImageOps
from PIL.Image import Image, Resampling, Transpose

Variant = Callable[[Image, random.Random], Image]


def resized(image: Image, chance: random.Random) -> Image:
    """To 40 to 75 % of its side."""
    share = chance.uniform(0.4, 0.75)
    size = (round(image.width * share), round(image.height * share))
    return image.resize(size, Resampling.LANCZOS)


def as_it_is(image: Image, _chance: random.Random) -> Image:
    return image


def cut(share: float) -> Variant:
    """A crop that lacks this share of width and of height, anywhere."""

    def cropped(image: Image, chance: random.Random) -> Image:
        width, height = round(image.width * (1 - share)), round(image.height * (1 - share))
        left = chance.randint(0, image.width - width)
        top = chance.randint(0, image.height - height)
        return image.crop((left, top, left + width, top + height))

    return cropped


def turned(image: Image, chance: random.Random) -> Image:
    """By five degrees one way or the other; the corners are black."""
    return image.rotate(chance.choice((5, -5)), Resampling.BICUBIC)


def transposed(how: Transpose) -> Variant:
    return lambda image, _chance: image.transpose(how)


def greyscale(image: Image, _chance: random.Random) -> Image:
    return image.convert("L").convert("RGB")


def brightness(image: Image, chance: random.Random) -> Image:
    factor = chance.choice((0.6, 0.75, 1.3, 1.5))
    return PIL.ImageEnhance.Brightness(image).enhance(factor)


def bordered(image: Image, chance: random.Random) -> Image:
    width = round(chance.uniform(0.03, 0.1) * max(image.size))
    return PIL.ImageOps.expand(image, width, fill=chance.choice(("white", "black", "#888")))


def written_over(image: Image, chance: random.Random) -> Image:
    """A line of text and a half transparent one across the middle."""
    layer = PIL.Image.new("RGBA", image.size)
    draw = PIL.ImageDraw.Draw(layer)
    large = PIL.ImageFont.load_default(max(12, image.height // 8))
    small = PIL.ImageFont.load_default(max(9, image.height // 14))
    at = (image.width // 12, round(chance.uniform(0.3, 0.6) * image.height))
    draw.text(at, "SAMPLE PRINT", font=large, fill=(255, 255, 255, 150))
    at = (image.width // 20, round(0.88 * image.height))
    draw.text(at, "Archive No. 4711", font=small, fill=(255, 230, 0, 255))
    return PIL.Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def screenshot(image: Image, chance: random.Random) -> Image:
    """The picture in a window of a viewer: a bar above, a column of names beside it."""
    screen = PIL.Image.new("RGB", (1280, 800), "#f2f2f2")
    draw = PIL.ImageDraw.Draw(screen)
    draw.rectangle((0, 0, 1280, 48), fill="#3b4252")
    font = PIL.ImageFont.load_default(18)
    draw.text((16, 12), "Viewer   File   Edit   View   Help", font=font, fill="white")
    for line in range(chance.randint(8, 20)):
        draw.text((16, 70 + 34 * line), f"IMG_{chance.randint(1, 9999):04}.jpg", font=font, fill=0)
    room = (1280 - 220, 800 - 48 - 40)
    scale = min(room[0] / image.width, room[1] / image.height)
    shown = image.resize((round(image.width * scale), round(image.height * scale)))
    screen.paste(shown, (200 + (room[0] - shown.width) // 2, 60 + (room[1] - shown.height) // 2))
    return screen


VARIANTS: Mapping[str, Variant] = {
    "resize": resized,
    "jpeg30": as_it_is,
    "crop10": cut(0.1),
    "crop20": cut(0.2),
    "crop30": cut(0.3),
    "rotate90": transposed(Transpose.ROTATE_90),
    "rotate180": transposed(Transpose.ROTATE_180),
    "rotate5": turned,
    "mirror": transposed(Transpose.FLIP_LEFT_RIGHT),
    "greyscale": greyscale,
    "brightness": brightness,
    "border": bordered,
    "text": written_over,
    "screenshot": screenshot,
}

QUALITY = {"jpeg30": 30}
"""JPEG quality where it is not 85."""
