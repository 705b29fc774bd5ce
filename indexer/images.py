"""Pictures of any origin, opened safely: header check, decoding to RGB, thumbnails.

Pillow's decoders raise almost any exception on hostile bytes; all of them become
`UndecodableAsset` here, and every limit is checked on the header, before pixels are decoded.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from indexer.errors import AssetTooLarge, SemblanceError, UndecodableAsset, UnsupportedMedia
from indexer.exif import exif_metadata, orientation, upright
from indexer.media import SNIFF_BYTES, image_type, other_type
from indexer.pixels import to_rgb
from indexer.readers.found import Limits

THUMBNAIL_SIZES = (128, 256, 512)
"""Longer sides in pixels that thumbnails have; few of them, so that caches are hit."""

_THUMBNAIL_QUALITY = 80
_DRAFT_FACTOR = 2
"""A draft keeps at least this many times the model's side: vectors then stay put."""

_FORMATS: Mapping[str, tuple[str, ...]] = {
    "image/jpeg": ("JPEG", "MPO"),
    "image/png": ("PNG",),
    "image/gif": ("GIF",),
    "image/webp": ("WEBP",),
    "image/tiff": ("TIFF",),
    "image/bmp": ("BMP",),
    "image/avif": ("AVIF",),
    "image/heic": ("HEIF",),
    "image/jp2": ("JPEG2000",),
    "image/x-icon": ("ICO",),
    "image/x-portable-anymap": ("PPM",),
}
_SUBFILE_TYPE, _IS_THUMBNAIL = 254, 1  # TIFF tag, and its bit for a smaller copy of a page
# these two give their size the right way round already
_TURNED_BY_DECODER = ("image/tiff", "image/heic")


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What is known of a picture without decoding it. Sizes in pixels, as a person sees it.

    `width` and `height` are those of the first page; `page_sizes` has every page from 1. Only
    TIFF has more than one: an animation is one picture.
    """

    media_type: str
    width: int
    height: int
    page_sizes: Mapping[int, tuple[int, int]]
    metadata: Mapping[str, object] = field(default_factory=dict)

    @property
    def pages(self) -> int:
        return len(self.page_sizes)


def inspect(original: bytes | BinaryIO, limits: Limits) -> ImageHeader:
    """The header of an encoded picture.

    Raises `UndecodableAsset` (empty, broken, or a text), `UnsupportedMedia` (another kind of
    file), `AssetTooLarge` (every page is over `limits.image_pixels`).
    """
    file, media_type = _begun(original)
    with _decoder_errors(media_type), _opened(file, media_type) as image:
        sizes = _page_sizes(image, media_type)
        metadata = exif_metadata(image)
    if all(_too_large(size, limits) for size in sizes.values()):
        raise too_large(next(iter(sizes.values())), limits)
    width, height = sizes[1]
    return ImageHeader(media_type, width, height, sizes, metadata)


def decode(
    original: bytes | BinaryIO,
    *,
    page: int | None = None,
    min_side: int | None = None,
    limits: Limits,
) -> Image.Image:
    """The picture in upright 8-bit RGB; `page` counts from 1, animations give their first frame.

    `min_side` is the model's side in pixels: a large JPEG may then come out smaller, with its
    shorter side still at least twice that. Raises as `inspect` does.
    """
    file, media_type = _begun(original)
    with _decoder_errors(media_type), _opened(file, media_type) as image:
        if page is not None and page != 1:
            image.seek(page - 1)
        if _too_large(image.size, limits):
            raise too_large(image.size, limits)
        if min_side is not None:
            side = min_side * _DRAFT_FACTOR
            image.draft(None, (side, side))
        image.load()
        return to_rgb(upright(image))


def thumbnail_name(asset: str, size: int) -> str:
    """What the thumbnail of an asset is kept under."""
    return f"{asset}-{size}"


def thumbnail(image: Image.Image, size: int = max(THUMBNAIL_SIZES)) -> bytes:
    """An RGB image as WebP whose longer side is at most `size` pixels; never enlarged."""
    small = image.copy() if max(image.size) <= 2 * size else _reduced(image, size)
    small.thumbnail((size, size), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=_THUMBNAIL_QUALITY)
    return buffer.getvalue()


def too_large(size: tuple[int, int], limits: Limits) -> AssetTooLarge:
    """The error for a picture over the pixel limit."""
    width, height = size
    return AssetTooLarge(
        f"The picture has {width} x {height} pixels, over the limit of {limits.image_pixels}; "
        "reduce it or raise SEMBLANCE_MAX_IMAGE_PIXELS.",
        width=width,
        height=height,
        limit=limits.image_pixels,
    )


def _reduced(image: Image.Image, size: int) -> Image.Image:
    # averaging whole blocks first makes the filter that follows several times faster
    return image.reduce(max(1, max(image.size) // (2 * size)))


def _too_large(size: tuple[int, int], limits: Limits) -> bool:
    return size[0] * size[1] > limits.image_pixels


def _begun(original: bytes | BinaryIO) -> tuple[BinaryIO, str]:
    """The picture as a file at its start, and its media type."""
    file = io.BytesIO(original) if isinstance(original, bytes) else original
    head = file.read(SNIFF_BYTES)
    file.seek(0)
    return file, _recognised(head)


def _recognised(head: bytes) -> str:
    media_type = image_type(head)
    if media_type is not None:
        return media_type
    if not head:
        raise UndecodableAsset("The file is empty (0 bytes); bring the picture again.")
    other = other_type(head)
    if other is not None:
        raise UnsupportedMedia(f"This is {other}, not a picture that Semblance reads.")
    if not any(byte < 9 for byte in head):
        raise UndecodableAsset("This is text and not a picture, whatever its name says.")
    raise UnsupportedMedia("This is no kind of picture that Semblance reads; save it as PNG.")


def _page_sizes(image: Image.Image, media_type: str) -> dict[int, tuple[int, int]]:
    sizes = {1: _seen_size(image, media_type)}
    if media_type == "image/tiff":
        for index in range(1, getattr(image, "n_frames", 1)):
            image.seek(index)
            if not getattr(image, "tag_v2", {}).get(_SUBFILE_TYPE, 0) & _IS_THUMBNAIL:
                sizes[index + 1] = image.size
        image.seek(0)
    return sizes


def _seen_size(image: Image.Image, media_type: str) -> tuple[int, int]:
    width, height = image.size
    if media_type not in _TURNED_BY_DECODER and orientation(image) >= 5:
        return height, width
    return width, height


def _opened(file: BinaryIO, media_type: str) -> Image.Image:
    _set_up_pillow()
    if media_type == "image/heic":
        _register_heif()
    _quieten_pillow()
    return Image.open(file, formats=_FORMATS[media_type])


@cache
def _set_up_pillow() -> None:
    # Pillow's own limit is one number for the process; ours is checked on every header instead
    Image.MAX_IMAGE_PIXELS = None
    Image.init()


@cache
def _register_heif() -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()


def _quieten_pillow() -> None:
    """Keep Pillow's remarks on odd metadata out of logs; what matters it raises.

    `catch_warnings` would be wrong: it swaps the process's filters, which threads share.
    """
    if not _has_pillow_filter():
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def _has_pillow_filter() -> bool:
    return any(
        action == "ignore" and module is not None and getattr(module, "pattern", "") == r"PIL\."
        for action, _, _, module, _ in warnings.filters
    )


@contextmanager
def _decoder_errors(media_type: str) -> Iterator[None]:
    try:
        yield
    except (SemblanceError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise UndecodableAsset(
            f"The picture ({media_type}) is damaged or of a rare variant; save it as PNG or JPEG.",
            media_type=media_type,
        ) from error
    except Exception as error:  # decoders raise anything at all on broken bytes
        raise UndecodableAsset(
            f"The picture ({media_type}) is damaged or incomplete: {error}. Bring it again.",
            media_type=media_type,
        ) from error
