"""Text that model libraries accept."""

from __future__ import annotations


def encodable(text: str) -> str:
    """The text with lone surrogates as "?": names of files carry them, and UTF-8 has none."""
    return text.encode("utf-8", "replace").decode("utf-8")
