"""The readable text of a file: plain, Markdown or HTML, with its title where it has one."""

from __future__ import annotations

import re
from collections.abc import Callable

from indexer.charsets import decode_text, without_surrogates
from indexer.hypertext import Extracted, html_text

_FRONT_MATTER = re.compile(r"\ufeff?---[^\S\n]*\n(?:(.*?)\n)?---[^\S\n]*(?:\n|$)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[^\S\n]*(.+)$", re.MULTILINE | re.IGNORECASE)
_FIRST_HEADING = re.compile(r"^#[^\S\n]+(.+?)[^\S\n]*#*$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\([^()\n]*\)")
_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset=["']?([A-Za-z0-9_:-]{2,40})""", re.I)
_META_WITHIN = 4096


def extract(data: bytes, media_type: str) -> Extracted:
    """The text of a file of this media type; raises `UndecodableAsset` for what is no text."""
    return _EXTRACTORS.get(media_type, _plain)(data)


def _plain(data: bytes) -> Extracted:
    return Extracted(decode_text(data))


def _markdown(data: bytes) -> Extracted:
    """Front matter, comments and link targets are left out: they are not what a text is about."""
    text = decode_text(data)
    title = None
    front = _FRONT_MATTER.match(text)
    if front is not None:
        text = text[front.end() :]
        named = _FRONT_TITLE.search(front[1] or "")
        title = named[1].strip().strip("\"'") if named is not None else None
    text = _LINK.sub(r"\1", _COMMENT.sub("", text))
    heading = _FIRST_HEADING.search(text)
    return Extracted(text, title or (heading[1] if heading is not None else None))


def _html(data: bytes) -> Extracted:
    return html_text(_html_source(data))


def _html_source(data: bytes) -> str:
    declared = _META_CHARSET.search(data[:_META_WITHIN])
    if declared is not None:
        try:
            return without_surrogates(data.decode(declared[1].decode("ascii")))
        except (LookupError, UnicodeDecodeError):
            pass  # pages often declare what they are not
    return decode_text(data)


_EXTRACTORS: dict[str, Callable[[bytes], Extracted]] = {
    "text/markdown": _markdown,
    "text/html": _html,
}
