"""HTML to readable text in one pass: no tree, so size and nesting cost nothing extra."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape

from indexer.charsets import without_surrogates

_TAG = re.compile(
    r"<!--.*?(?:-->|\Z)|<(?P<close>/?)(?P<name>[a-z][a-z0-9:-]*)[^<>]*>|<[!?][^<>]*>",
    re.DOTALL | re.IGNORECASE,
)
_RAW = frozenset(("script", "style", "textarea", "noscript", "iframe"))
_UNREAD = frozenset(("nav", "template", "svg", "select", "math"))
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_SECTIONS = (
    "address article aside blockquote body div fieldset figure footer form head header "
    "hr main p pre section title"
)
_LISTS_AND_TABLES = "caption dd dl dt figcaption legend li ol table tbody tfoot thead tr ul"
_BLOCKS = _HEADINGS | {*_SECTIONS.split(), *_LISTS_AND_TABLES.split()}
_SPACES = re.compile(r"[^\S\n]+")
_AROUND_LINE_END = re.compile(r" ?\n ?")
_BLANK_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class Extracted:
    """The text that passages are cut from, and the document's title."""

    text: str
    title: str | None = None


def html_text(source: str) -> Extracted:
    """The text a reader of the page sees, a paragraph a block, headings marked as in Markdown.

    Scripts, styles and navigation are left out. Never fails: browsers read anything, too.
    """
    reader = _Reader()
    at = 0
    while (tag := _TAG.search(source, at)) is not None:
        reader.read_text(source[at : tag.start()])
        at = tag.end()
        if tag["name"] is None:
            continue
        name = tag["name"].lower()
        if tag["close"]:
            reader.end(name)
        elif name in _RAW:
            # what stands inside is no markup
            closing = re.compile(f"</{name}[^<>]*>?", re.IGNORECASE).search(source, at)
            at = len(source) if closing is None else closing.end()
        elif not (name in _UNREAD and tag[0].endswith("/>")):
            reader.start(name)
    reader.read_text(source[at:])
    text = _AROUND_LINE_END.sub("\n", _SPACES.sub(" ", "".join(reader.parts)))
    title = " ".join("".join(reader.title).split())
    return Extracted(_BLANK_LINES.sub("\n\n", text).strip(), title or None)


class _Reader:
    """Collects text between tags, knowing which elements are open."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.title: list[str] = []
        self._unread: list[str] = []
        self._in_title = False
        self._preformatted = False

    def start(self, name: str) -> None:
        if name in _UNREAD:
            self._unread.append(name)
        elif name == "title":
            self._in_title = not self.title and not self._unread
        elif name == "br":
            self.parts.append("\n")
        elif name in _BLOCKS:
            self._preformatted = self._preformatted or name == "pre"
            self.parts.append("\n\n" + ("#" * int(name[1]) + " " if name in _HEADINGS else ""))

    def end(self, name: str) -> None:
        if name in self._unread:
            while self._unread.pop() != name:
                pass  # an inner one that was never closed ends with the outer
        elif name == "title":
            self._in_title = False
        elif name in ("td", "th"):
            self.parts.append(" ")
        elif name in _BLOCKS:
            self._preformatted = self._preformatted and name != "pre"
            self.parts.append("\n\n")

    def read_text(self, text: str) -> None:
        if not text or self._unread:
            return
        text = without_surrogates(unescape(text))
        if self._in_title:
            self.title.append(text)
        else:
            self.parts.append(text if self._preformatted else text.replace("\n", " "))
