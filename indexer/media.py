"""Which kind of file a name or its first bytes stand for. No decoding happens here."""

from __future__ import annotations

from enum import StrEnum
from posixpath import splitext

SNIFF_BYTES = 64
"""How many leading bytes `image_type` needs at most."""


class Family(StrEnum):
    """What kind of reader a file needs."""

    IMAGE = "image"
    TEXT = "text"
    PDF = "pdf"
    TABLE = "table"
    ARCHIVE = "archive"


_PHOTOS = ".jpg .jpeg .jpe .jfif .mpo .png .apng .gif .webp .avif .heic .heif .hif"
_SCANS = ".tif .tiff .bmp .dib .jp2 .j2k .jpx .ppm .pgm .pbm .pnm .ico"
_IMAGE_EXTENSIONS = frozenset((*_PHOTOS.split(), *_SCANS.split()))
_ARCHIVES = ".zip .tar .tar.gz .tgz .tar.bz2 .tbz .tbz2 .tar.xz .txz"
_ARCHIVE_ENDINGS = (*_ARCHIVES.split(),)
MEDIA_TYPES = {
    ".txt": "text/plain",
    ".text": "text/plain",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".rst": "text/x-rst",
    ".html": "text/html",
    ".htm": "text/html",
    ".xhtml": "text/html",
    ".pdf": "application/pdf",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".jsonl": "application/jsonl",
    ".ndjson": "application/jsonl",
    ".parquet": "application/vnd.apache.parquet",
}
"""Media type by extension of everything read that is neither an image nor an archive."""

_TABLE_EXTENSIONS = frozenset((".csv", ".tsv", ".jsonl", ".ndjson", ".parquet"))

_IMAGE_STARTS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"II+\x00", "image/tiff"),
    (b"MM\x00+", "image/tiff"),
    (b"\x00\x00\x00\x0cjP  ", "image/jp2"),
    (b"\xff\x4f\xff\x51", "image/jp2"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
)
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_OTHER_STARTS = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"8BPS", "a Photoshop file"),
    (b"%!PS", "PostScript"),
    (b"<svg", "an SVG drawing"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (b"ID3", "an MP3 recording"),
    (b"OggS", "an Ogg recording"),
    (b"fLaC", "a FLAC recording"),
    (b"\x7fELF", "a program"),
)


def extension(name: str) -> str:
    """The ending of a name in lower case, with its dot; empty if it has none."""
    return splitext(name)[1].lower()


def family_of(name: str) -> Family | None:
    """The family that the ending of a name promises; None if Semblance reads no such files."""
    ending = extension(name)
    if ending in _IMAGE_EXTENSIONS:
        return Family.IMAGE
    if ending == ".pdf":
        return Family.PDF
    if ending in _TABLE_EXTENSIONS:
        return Family.TABLE
    if ending in MEDIA_TYPES:
        return Family.TEXT
    return Family.ARCHIVE if name.lower().endswith(_ARCHIVE_ENDINGS) else None


def image_type(head: bytes) -> str | None:
    """The media type of an image by its first `SNIFF_BYTES` bytes; None if it is no image."""
    for start, media_type in _IMAGE_STARTS:
        if head.startswith(start):
            return media_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        return _image_of_brands(head)
    if head[:2] == b"BM" and len(head) >= 18 and head[15:18] == b"\x00\x00\x00":
        return "image/bmp"
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():
        return "image/x-portable-anymap"
    return None


def _image_of_brands(head: bytes) -> str | None:
    length = min(int.from_bytes(head[:4], "big"), SNIFF_BYTES)
    # bytes 12 to 16 hold a version; the major brand may be the neutral mif1, so all are looked at
    brands = [head[i : i + 4] for i in (8, *range(16, length, 4))]
    if any(brand in (b"avif", b"avis") for brand in brands):
        return "image/avif"
    return "image/heic" if any(brand in _HEIF_BRANDS for brand in brands) else None


def other_type(head: bytes) -> str | None:
    """What bytes that are no image seem to be, in words for people; None if unknown."""
    for start, words in _OTHER_STARTS:
        if head.startswith(start):
            return words
    if head[4:8] == b"ftyp":
        return "a video"
    return None
