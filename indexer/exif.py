"""What a camera wrote beside the pixels: orientation, when, with what and where.

Cameras and editors write broken EXIF all the time, so nothing here ever raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from math import isfinite

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 (upright) where it is missing or broken."""
    with suppress(Exception):
        value = _exif(image).get(Base.Orientation)
        if value in _TURNS:
            return int(value)
    return 1


def upright(image: Image.Image) -> Image.Image:
    """The loaded image, turned the way it was meant to be seen."""
    turn = _TURNS.get(orientation(image))
    return image if turn is None else image.transpose(turn)


def exif_metadata(image: Image.Image) -> dict[str, object]:
    """`taken` (ISO 8601), `camera` and `location` ({lat, lon} in degrees), where they are known."""
    metadata: dict[str, object] = {}
    with suppress(Exception):
        exif = _exif(image)
        if not exif:
            return {}
        for name, reader in (("taken", _taken), ("camera", _camera), ("location", _location)):
            with suppress(Exception):
                value = reader(exif)
                if value:
                    metadata[name] = value
    return metadata


def _exif(image: Image.Image) -> Image.Exif:
    """The EXIF of a picture, without decoding it."""
    # Pillow decodes a whole PNG to look for EXIF behind its pixels: a header check must not
    if image.format == "PNG" and "exif" not in image.info and _is_unread(image):
        return Image.Exif()
    return image.getexif()


def _is_unread(image: Image.Image) -> bool:
    return bool(getattr(image, "tile", None))


def _taken(exif: Image.Exif) -> str | None:
    details = exif.get_ifd(IFD.Exif)
    written = details.get(Base.DateTimeOriginal) or exif.get(Base.DateTime)
    if not written:
        return None
    moment = datetime.strptime(_text(written)[:19], "%Y:%m:%d %H:%M:%S").isoformat()
    offset = _text(details.get(Base.OffsetTimeOriginal, ""))
    with suppress(ValueError):
        return datetime.fromisoformat(moment + offset).isoformat()
    return moment


def _camera(exif: Image.Exif) -> str | None:
    make, model = _text(exif.get(Base.Make, "")), _text(exif.get(Base.Model, ""))
    # most makers repeat their name in the model
    return model if model.lower().startswith(make.lower()) else f"{make} {model}".strip()


def _location(exif: Image.Exif) -> Mapping[str, float] | None:
    gps = exif.get_ifd(IFD.GPSInfo)
    lat = _degrees(gps[GPS.GPSLatitude], _text(gps.get(GPS.GPSLatitudeRef, "N")))
    lon = _degrees(gps[GPS.GPSLongitude], _text(gps.get(GPS.GPSLongitudeRef, "E")))
    known = isfinite(lat) and isfinite(lon) and abs(lat) <= 90 and abs(lon) <= 180
    # receivers without a fix write zeros
    return {"lat": lat, "lon": lon} if known and (lat or lon) else None


def _degrees(parts: tuple[float, float, float], reference: str) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    value = degrees + minutes / 60 + seconds / 3600
    return round(-value if reference.upper() in ("S", "W") else value, 7)


def _text(value: object) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return "".join(c for c in text if c.isprintable() and not "\ud800" <= c <= "\udfff").strip()
