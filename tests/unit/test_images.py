"""Pictures of every origin come out as what a person sees, and bad ones say what is wrong."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
import skimage
from PIL import Image

from indexer.errors import AssetTooLarge, UndecodableAsset, UnsupportedMedia
from indexer.images import decode, inspect, thumbnail
from tests.reading import LIMITS, encoded

SAMPLES = Path(skimage.__file__).parent / "data"
GENEROUS = replace(LIMITS, image_pixels=10**8)


def saved(image: Image.Image, kind: str, **parameters: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **parameters)
    return buffer.getvalue()


def left_blue_right_red() -> Image.Image:
    image = Image.new("RGB", (60, 40), "red")
    image.paste("blue", (0, 0, 30, 40))
    return image


def exif(**tags: object) -> Image.Exif:
    made = Image.Exif()
    made.update({int(tag[1:], 16): value for tag, value in tags.items()})
    return made


def levels(image: Image.Image) -> list[int]:
    """The grey levels of the first row."""
    return [int(level) for level in np.asarray(image)[0, :, 0]]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_turned_photo_is_seen_upright(kind: str) -> None:
    data = saved(left_blue_right_red(), kind, exif=exif(x0112=6), quality=95)
    header = inspect(data, LIMITS)
    image = decode(data, limits=LIMITS)
    assert (header.width, header.height) == image.size == (40, 60)
    # turned a quarter clockwise, what was left is now on top
    red, _, blue = np.asarray(image)[5, 20]
    assert blue > 200
    assert red < 50


def test_heic_is_turned_by_its_own_box_and_not_by_exif() -> None:
    # the standard says so, and phones write both: turning by EXIF would turn their photos twice
    pillow_heif.register_heif_opener()
    data = saved(left_blue_right_red(), "HEIF", exif=exif(x0112=6), quality=95)
    header = inspect(data, LIMITS)
    image = decode(data, limits=LIMITS)
    assert header.media_type == "image/heic"
    assert (header.width, header.height) == image.size == (60, 40)
    assert np.asarray(image)[20, 5, 2] > 200


@pytest.mark.parametrize(
    ("name", "media_type", "pages"),
    [
        ("retina.jpg", "image/jpeg", 1),
        ("no_time_for_that_tiny.gif", "image/gif", 1),
        ("multipage.tif", "image/tiff", 2),
        ("chelsea.png", "image/png", 1),
    ],
)
def test_real_files(name: str, media_type: str, pages: int) -> None:
    data = (SAMPLES / name).read_bytes()
    header = inspect(data, GENEROUS)
    assert (header.media_type, header.pages) == (media_type, pages)
    image = decode(data, page=pages if pages > 1 else None, limits=GENEROUS)
    assert image.mode == "RGB"
    assert image.size == header.page_sizes[pages]


def test_transparency_is_seen_over_white() -> None:
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([255, 0, 0, 0, 0, 255])
    for data in (
        saved(clear, "PNG"),
        saved(clear, "WEBP", lossless=True),
        saved(palette, "PNG", transparency=0),
        saved(palette, "PNG", transparency=b"\x00"),
        saved(Image.new("LA", (4, 4), (0, 0)), "PNG"),
    ):
        assert levels(decode(data, limits=LIMITS)) == [255] * 4


def test_deep_greyscale_is_scaled_and_not_clipped() -> None:
    sixteen = Image.fromarray(np.array([[0, 32896, 65535]], np.uint16))
    assert levels(decode(saved(sixteen, "PNG"), limits=LIMITS)) == [0, 128, 255]
    twelve = Image.fromarray(np.array([[0, 2056, 4095]], np.uint16))
    assert levels(decode(saved(twelve, "TIFF"), limits=LIMITS)) == [0, 128, 255]
    unit = Image.fromarray(np.array([[0, 0.5, 1]], np.float32))
    assert levels(decode(saved(unit, "TIFF"), limits=LIMITS)) == [0, 128, 255]
    signed = Image.fromarray(np.array([[-1000, 0, 1000]], np.int32))
    assert levels(decode(saved(signed, "TIFF"), limits=LIMITS)) == [0, 128, 255]
    holes = Image.fromarray(np.array([[np.nan, 10, 1000]], np.float32))
    assert levels(decode(saved(holes, "TIFF"), limits=LIMITS)) == [0, 0, 255]


def test_cmyk_and_bilevel_become_rgb() -> None:
    cyan = Image.new("CMYK", (8, 8), (255, 0, 0, 0))
    red, green, blue = np.asarray(decode(saved(cyan, "JPEG"), limits=LIMITS))[0, 0]
    assert red < 20
    assert min(green, blue) > 235
    assert levels(decode(saved(Image.new("1", (2, 2), 1), "PNG"), limits=LIMITS)) == [255, 255]


def test_an_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    for kind in ("GIF", "WEBP"):
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:])
        assert inspect(data, LIMITS).pages == 1
        assert np.asarray(decode(data, limits=LIMITS))[0, 0, 0] > 200


def test_each_page_of_a_tiff() -> None:
    pages = [Image.new("RGB", (8, 6), "red"), Image.new("RGB", (4, 4), "blue")]
    data = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert inspect(data, LIMITS).page_sizes == {1: (8, 6), 2: (4, 4)}
    assert np.asarray(decode(data, page=2, limits=LIMITS))[0, 0].tolist() == [0, 0, 255]
    with pytest.raises(UndecodableAsset):
        decode(data, page=3, limits=LIMITS)


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (b"", UndecodableAsset, "empty"),
        (b"Dear Ann, here is the picture.", UndecodableAsset, "text"),
        (b"%PDF-1.4 and more", UnsupportedMedia, "PDF"),
        (b"8BPS\x00\x01", UnsupportedMedia, "Photoshop"),
        (b"\x00\x01\x02\x03" * 20, UnsupportedMedia, "PNG"),
        (encoded(kind="PNG")[:20], UndecodableAsset, "damaged"),
        (encoded(kind="JPEG")[:12], UndecodableAsset, "damaged"),
    ],
)
def test_what_is_no_picture_says_so(data: bytes, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        inspect(data, LIMITS)
    with pytest.raises(error, match=words):
        decode(data, limits=LIMITS)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "AVIF", "GIF"])
def test_a_truncated_picture_is_undecodable(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    data = saved(Image.fromarray(noise), kind)
    with pytest.raises(UndecodableAsset):
        decode(data[: len(data) // 2], limits=LIMITS)


def test_a_bomb_is_refused_by_its_header() -> None:
    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    # a million by a million pixels in less than a hundred bytes
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 10**6, 10**6, 8, 0, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    for look in (inspect, lambda data, limits: decode(data, limits=limits)):
        with pytest.raises(AssetTooLarge, match="1000000 x 1000000"):
            look(bomb, LIMITS)


def test_panoramas_and_other_extremes() -> None:
    wide = Image.new("L", (30_000, 20), 128)
    image = decode(saved(wide, "PNG"), limits=LIMITS)
    assert image.size == (30_000, 20)
    small = Image.open(io.BytesIO(thumbnail(image)))
    assert small.size == (512, 1)
    assert decode(saved(Image.new("L", (1, 1)), "PNG"), limits=LIMITS).size == (1, 1)


def test_a_draft_keeps_twice_the_side_of_the_model() -> None:
    data = saved(Image.new("RGB", (4000, 3000), "red"), "JPEG")
    draft = decode(data, min_side=224, limits=replace(LIMITS, image_pixels=12_000_000))
    # 3000 / 448 is 6.7: a quarter is the smallest that JPEG offers above it
    assert draft.size == (1000, 750)
    assert decode(encoded(kind="JPEG"), min_side=224, limits=LIMITS).size == (8, 6)


def test_a_thumbnail_is_webp_and_never_enlarged() -> None:
    large = Image.open(io.BytesIO(thumbnail(Image.new("RGB", (3000, 1500), "red"))))
    assert (large.format, large.size) == ("WEBP", (512, 256))
    assert Image.open(io.BytesIO(thumbnail(Image.new("RGB", (30, 20))))).size == (30, 20)


def test_what_the_camera_wrote() -> None:
    tags = exif(x010F="Acme", x0110="Acme X100", x0132="2020:01:01 00:00:00")
    tags.get_ifd(0x8769).update({0x9003: "2024:05:06 07:08:09", 0x9011: "+02:00"})
    tags.get_ifd(0x8825).update({1: "S", 2: (33.0, 51.0, 36.0), 3: "E", 4: (151.0, 12.0, 0.0)})
    metadata = inspect(saved(left_blue_right_red(), "JPEG", exif=tags), LIMITS).metadata
    assert metadata == {
        "taken": "2024-05-06T07:08:09+02:00",
        "camera": "Acme X100",
        "location": {"lat": -33.86, "lon": 151.2},
    }


def test_broken_facts_never_fail_the_picture() -> None:
    nonsense = exif(x010F="Acme", x0132="0000:00:00 00:00:00", x0112=77)
    header = inspect(saved(left_blue_right_red(), "JPEG", exif=nonsense), LIMITS)
    assert header.metadata == {"camera": "Acme"}
    broken = saved(left_blue_right_red(), "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")
    assert inspect(broken, LIMITS).metadata == {}
    assert decode(broken, limits=LIMITS).size == (60, 40)
