"""Passages from the text layer of a PDF, page by page.

PDFium may be entered by one thread at a time, so every call holds one lock; nothing is yielded
while it is held, and what PDFium opened is closed under it, never by the garbage collector.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO

from indexer.charsets import without_surrogates
from indexer.errors import UndecodableAsset
from indexer.readers.found import Candidate, ReadOptions
from indexer.readers.original import Original, too_large
from indexer.readers.passages import text_candidates
from indexer.texts import split_many

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

_MEDIA_TYPE = "application/pdf"
_PAGES_AT_ONCE = 16
_PASSWORD = 4  # FPDF_ERR_PASSWORD
_PDFIUM = Lock()
# PDFium writes U+FFFE or U+0002 where a word was hyphenated at a line end
_HYPHENATED = re.compile(r"[\ufffe\x02]\s*")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\uffff]")


def read_pdf(original: Original, options: ReadOptions) -> Iterator[Candidate]:
    """The passages of every page, with its number; offsets count within the page's text.

    Raises `UndecodableAsset` for a broken or locked file, one without any text layer, and, after
    all that can be read was yielded, for pages that cannot.
    """
    if original.size > options.limits.file_bytes:
        raise too_large(original.path, options.limits, original.size)
    with original.open() as file, _document(file, original.path) as document:
        with _PDFIUM:
            count, metadata = len(document), _metadata(document)
        broken: list[int] = []
        passages = 0
        for first in range(0, count, _PAGES_AT_ONCE):
            numbers = range(first + 1, min(first + _PAGES_AT_ONCE, count) + 1)
            texts = [_page_text(document, number, broken) for number in numbers]
            for number, spans in zip(numbers, split_many(texts, options.passages), strict=True):
                passages += len(spans)
                yield from text_candidates(original, spans, _MEDIA_TYPE, metadata, page=number)
    _complain(original.path, broken, passages)


def _complain(path: str, broken: Sequence[int], passages: int) -> None:
    if broken:
        numbers = ", ".join(map(str, broken))
        raise UndecodableAsset(f"{path} has damaged pages: {numbers}.", path=path, pages=broken)
    if passages == 0:
        raise UndecodableAsset(
            f"{path} has no text layer (it may be a scan); run OCR on it, for example with "
            "ocrmypdf, and add it again.",
            path=path,
        )


@contextmanager
def _document(file: BinaryIO, path: str) -> Iterator[PdfDocument]:
    from pypdfium2 import PdfDocument, PdfiumError

    with _PDFIUM:
        try:
            document = PdfDocument(file)
        except PdfiumError as error:
            raise _unopened(path, error.err_code) from error
    try:
        yield document
    finally:
        with _PDFIUM:
            document.close()


def _unopened(path: str, code: int | None) -> UndecodableAsset:
    if code == _PASSWORD:
        return UndecodableAsset(
            f"{path} is protected by a password; save a copy without one and add that.", path=path
        )
    return UndecodableAsset(f"{path} is damaged or not a PDF; save it again.", path=path)


def _metadata(document: PdfDocument) -> dict[str, object]:
    written = {key.lower(): document.get_metadata_value(key) for key in ("Title", "Author")}
    cleaned = {key: _clean(value).strip() for key, value in written.items()}
    return {key: value for key, value in cleaned.items() if value}


def _page_text(document: PdfDocument, number: int, broken: list[int]) -> str:
    """The text of a page from 1; a page that cannot be opened is noted in `broken`."""
    from pypdfium2 import PdfiumError

    with _PDFIUM:
        try:
            page = document[number - 1]
        except PdfiumError:
            broken.append(number)
            return ""
        try:
            layer = page.get_textpage()
            try:
                return _clean(layer.get_text_bounded())
            finally:
                layer.close()
        except PdfiumError:
            broken.append(number)
            return ""
        finally:
            page.close()


def _clean(text: str) -> str:
    joined = _HYPHENATED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _CONTROLS.sub(" ", without_surrogates(joined))
