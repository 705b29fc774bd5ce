"""What pairs of pictures are told to be: each made variant by its name, and strangers by none."""

from __future__ import annotations

import io
import random

import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest

from indexer.analysis.duplicates.hashes import TURNS, nearest_turn, perceptual_hash
from indexer.analysis.duplicates.verdicts import Judged, Verdict, judge
from indexer.analysis.duplicates.views import View, view_of
from tests.bench.variants import QUALITY, VARIANTS
from tests.photos import photo

EXPECTED = {
    "resize": (Verdict.RESIZED, 1),
    "jpeg30": (Verdict.REENCODED, None),
    "crop10": (Verdict.CROPPED, 1),
    "crop20": (Verdict.CROPPED, 1),
    "crop30": (Verdict.CROPPED, 1),
    "rotate90": (Verdict.ROTATED, None),
    "rotate180": (Verdict.ROTATED, None),
    "rotate5": (Verdict.ROTATED, None),
    "mirror": (Verdict.MIRRORED, None),
    "greyscale": (Verdict.RECOLOURED, 1),
    "border": (Verdict.BORDERED, 1),
    "text": (Verdict.OVERLAID, None),
    "screenshot": (Verdict.SCREENSHOT, 1),
}


def viewed(image: PIL.Image.Image, quality: int = 85) -> View:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return view_of(PIL.Image.open(buffer).convert("RGB"))


def judged(first: View, second: View) -> Judged | None:
    hashes = [np.array([perceptual_hash(view.grey)]) for view in (first, second)]
    turn, distance = nearest_turn(*hashes)
    return judge(first, second, TURNS[int(turn[0])], int(distance[0]))


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("source", ["china", "flower"])
def test_a_variant_is_told_by_its_name(source: str, name: str) -> None:
    image = photo(source)
    variant = VARIANTS[name](image, random.Random(3))
    original, made = viewed(image), viewed(variant, QUALITY.get(name, 85))
    one, other = judged(original, made), judged(made, original)
    assert one is not None
    assert other is not None
    if name == "brightness":  # which of two tones was first cannot always be told
        assert one.verdict is other.verdict is Verdict.RECOLOURED
        return
    verdict, derived = EXPECTED[name]
    assert (one.verdict, other.verdict) == (verdict, verdict)
    if derived is not None:
        assert (one.derived, other.derived) == (derived, 1 - derived)


def test_all_that_happened_to_a_picture_is_told() -> None:
    image = photo("china")
    grey_from_behind = VARIANTS["mirror"](
        VARIANTS["greyscale"](image, random.Random(1)), random.Random(1)
    )
    found = judged(viewed(image), viewed(VARIANTS["crop20"](grey_from_behind, random.Random(1))))
    assert found is not None
    assert {*found.changes} == {Verdict.CROPPED, Verdict.MIRRORED, Verdict.RECOLOURED}


def test_different_pictures_are_nothing_to_each_other() -> None:
    assert judged(viewed(photo("china")), viewed(photo("flower"))) is None


def test_two_views_of_a_scene_are_no_duplicates() -> None:
    """The same background, but what stands in front of it has moved."""
    image = photo("china")
    pair = []
    for left in (60, 330):
        moved = image.copy()
        moved.paste(photo("flower").resize((250, 250)), (left, 120))
        pair.append(viewed(moved))
    found = judged(*pair)
    assert found is None or found.verdict is Verdict.SAME_SCENE


def test_blank_pages_are_not_compared() -> None:
    blank = viewed(PIL.Image.new("RGB", (300, 400), "white"))
    page = viewed(PIL.Image.new("RGB", (300, 400), "#fdfdfd"))
    assert judged(blank, page) is None


def test_pages_of_one_layout_are_no_duplicates() -> None:
    """Forms look alike from afar; their words do not."""
    pages = []
    for text in ("Received of Anna Karlsson", "Delivered to P. Oberhauser"):
        page = PIL.Image.new("RGB", (600, 800), "white")
        draw = PIL.ImageDraw.Draw(page)
        for line in range(20):
            words = f"{line * 7919 % 97} {text[line % 9 :]} {text[: line % 11]} {len(text) * line}"
            draw.text((40, 40 + 35 * line), words, fill="black", font_size=26)
        pages.append(viewed(page))
    found = judged(*pages)
    assert found is None or not found.is_duplicate
