"""From one original to the documents in it: the kind of file decides which reader it gets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from indexer.media import SNIFF_BYTES, Family, extension, family_of, image_type
from indexer.readers.archive import read_archive
from indexer.readers.found import Candidate, Found, ReadOptions
from indexer.readers.original import Original, file_errors, found, skipped
from indexer.readers.passages import read_text
from indexer.readers.pdf import read_pdf
from indexer.readers.pictures import read_picture
from indexer.readers.table import read_table

_READERS: dict[Family, Callable[[Original, ReadOptions], Iterator[Candidate]]] = {
    Family.IMAGE: read_picture,
    Family.TEXT: read_text,
    Family.PDF: read_pdf,
    Family.TABLE: read_table,
}


def documents(original: Original, options: ReadOptions) -> Iterator[Found]:
    """The document that an original is, or those in it if it is an archive; never raises."""
    family = family_of(original.name) or _sniffed(original)
    if family is None:
        yield skipped(original, "unsupported_media", _unsupported(original))
    elif family is Family.ARCHIVE:
        if original.container is None:
            yield from read_archive(original, options, documents)
        else:
            why = "An archive inside an archive is not opened; unpack it and add its files."
            yield skipped(original, "nested_archive", why)
    elif family is Family.TEXT and original.size == 0:
        yield skipped(original, "empty", "The file is empty.")
    else:
        yield found(original, partial(_read, _READERS[family], original, options))


def _read(
    reader: Callable[[Original, ReadOptions], Iterator[Candidate]],
    original: Original,
    options: ReadOptions,
) -> Iterator[Candidate]:
    with file_errors(original.path):
        yield from reader(original, options)


def _sniffed(original: Original) -> Family | None:
    # only names without an ending are opened: a folder of a million .bin files stays quick
    if extension(original.name) or original.file is None:
        return None
    try:
        with original.open() as file:
            return Family.IMAGE if image_type(file.read(SNIFF_BYTES)) else None
    except OSError:
        return None


def _unsupported(original: Original) -> str:
    ending = extension(original.name)
    kind = f"{ending} files" if ending else "Files without an ending that are no pictures"
    return f"{kind} are not read; convert it to a picture, a text, a PDF or a table."
