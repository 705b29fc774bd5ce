"""What a candidate is known by: its content, whatever its name and wherever it was found."""

from __future__ import annotations

import hashlib

from indexer.readers.found import Candidate


def identity(candidate: Candidate) -> tuple[str, int]:
    """The SHA-256 that an asset is known by, and its size in bytes."""
    text = candidate.text.encode() if candidate.text is not None else b""
    content = candidate.content
    if content is not None and content.size:
        return content.sha256, content.size
    key = candidate.key.encode() if candidate.key is not None else text
    return hashlib.sha256(key or _place(candidate)).hexdigest(), len(text)


def _place(candidate: Candidate) -> bytes:
    """What tells things without content apart: two empty files are two failures, not one."""
    source = candidate.source
    return f"{source.uri}#{source.page}#{source.row}".encode()
