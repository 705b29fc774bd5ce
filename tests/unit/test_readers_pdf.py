"""Text of a PDF by page; locked, broken and scanned ones say what they are."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from indexer.content import in_memory
from indexer.readers.location import read_location, read_upload
from tests.reading import at, candidates, failure, options, write

PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
FILE_ID = b"0123456789abcdef"


def rc4(key: bytes, data: bytes) -> bytes:
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    out = bytearray()
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def pdf(pages: Sequence[str], title: str = "", password: str | None = None) -> bytes:
    """A PDF with one line of text a page; `password` locks it (standard handler, 40 bits)."""
    count = len(pages)
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(count))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {count} /Kids [{kids}] >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for i, text in enumerate(pages):
        stream = f"BT /F1 12 Tf 50 700 Td ({text}) Tj ET".encode("latin-1") if text else b""
        number = 5 + 2 * i
        if password is not None:
            stream = encrypted(password, number, stream)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {number} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    objects.append(f"<< /Title ({title}) >>".encode() if password is None else b"<< >>")
    return assembled(objects, password)


def assembled(objects: Sequence[bytes], password: str | None) -> bytes:
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"/Size %d /Root 1 0 R /Info %d 0 R" % (len(objects) + 1, len(objects))
    if password is not None:
        owner, user = locks(password)
        trailer += (
            b" /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >> /ID [<%s> <%s>]"
            % (*(part.hex().encode() for part in (owner, user, FILE_ID, FILE_ID)),)
        )
    return bytes(out + b"trailer\n<< %s >>\nstartxref\n%d\n%%%%EOF\n" % (trailer, start))


def locks(password: str) -> tuple[bytes, bytes]:
    padded = (password.encode() + PADDING)[:32]
    owner = rc4(hashlib.md5(padded).digest()[:5], padded)
    return owner, rc4(file_key(password, owner), PADDING)


def file_key(password: str, owner: bytes) -> bytes:
    padded = (password.encode() + PADDING)[:32]
    rights = (-4 & 0xFFFFFFFF).to_bytes(4, "little")
    return hashlib.md5(padded + owner + rights + FILE_ID).digest()[:5]


def encrypted(password: str, number: int, data: bytes) -> bytes:
    key = file_key(password, locks(password)[0]) + number.to_bytes(3, "little") + bytes(2)
    return rc4(hashlib.md5(key).digest()[:10], data)


def test_each_page_has_its_passages(tmp_path: Path) -> None:
    path = write(tmp_path / "a.pdf", pdf(["First page here.", "", "Third. And more."], "Birds"))
    found = at(path)
    assert [(one.source.page, one.text) for one in found] == [
        (1, "First page here."),
        (3, "Third. And more."),
    ]
    assert (found[0].source.start, found[0].source.end) == (0, 16)
    assert found[0].metadata == {"title": "Birds"}
    assert found[0].media_type == "application/pdf"
    # the page is where it was read from, not an asset of its own
    assert found[0].page is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (pdf(["Secret."], password="open sesame"), "password"),
        (pdf(["", ""]), "ocrmypdf"),
        (b"%PDF-1.4\nbroken", "damaged"),
        (b"", "damaged"),
        (pdf(["Text."])[:60], "damaged"),
    ],
    ids=["locked", "scanned", "broken", "empty", "truncated"],
)
def test_what_cannot_be_read_says_why(data: bytes, words: str) -> None:
    (found,) = read_upload("a.pdf", in_memory(data), options())
    assert words in failure(found).message


def test_a_lock_without_a_password_opens() -> None:
    # many PDFs are locked only against printing; their password is empty
    (one,) = candidates(read_upload("a.pdf", in_memory(pdf(["Readable."], password="")), options()))
    assert one.text == "Readable."


def test_many_threads_read_at_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.pdf", pdf([f"Page {i} of the book." for i in range(40)]))
    read: list[list[str | None]] = []

    def reading() -> None:
        read.append([one.text for one in at(path)])

    threads = [threading.Thread(target=reading) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read == [[f"Page {i} of the book." for i in range(40)]] * 4


def test_reading_may_be_given_up_half_way(tmp_path: Path) -> None:
    path = write(tmp_path / "a.pdf", pdf(["One.", "Two."]))
    (found,) = read_location(path, options())
    reading = found.read()
    next(reading)
    del reading
    assert len(at(path)) == 2
