"""As many different photographs as a benchmark needs, cut from the sample pictures."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path

import PIL.Image


def make_pictures(folder: Path, count: int, *, side: int = 400, seed: int = 7) -> None:
    """Write `count` JPEGs of about side × 3/4 side pixels; no two are alike. Idempotent."""
    folder.mkdir(parents=True, exist_ok=True)
    if len(list(folder.iterdir())) >= count:
        return
    photos = _photos()
    chance = random.Random(seed)
    for number in range(count):
        photo = photos[number % len(photos)]
        width = chance.randint(photo.width // 2, photo.width)
        height = chance.randint(photo.height // 2, photo.height)
        left = chance.randint(0, photo.width - width)
        top = chance.randint(0, photo.height - height)
        cut = photo.crop((left, top, left + width, top + height))
        cut = cut.rotate(chance.uniform(-8, 8)).resize((side, side * 3 // 4))
        shelf = folder / f"{number // 1000:03d}"
        shelf.mkdir(exist_ok=True)
        cut.save(shelf / f"{number:06d}.jpg", quality=85)


def _photos() -> list[PIL.Image.Image]:
    paths = []
    for package, inside, names in (
        ("skimage", "data", ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")),
        ("sklearn", "datasets/images", ("china.jpg", "flower.jpg")),
    ):
        spec = importlib.util.find_spec(package)
        assert spec is not None
        assert spec.submodule_search_locations is not None
        folder = Path(spec.submodule_search_locations[0]) / inside
        paths += [folder / name for name in names]
    return [PIL.Image.open(path).convert("RGB") for path in paths]
