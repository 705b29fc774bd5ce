"""The part of a passage worth showing: about 300 characters around the words that match.

Words match as they do in the ranking by words (`indexer.embedders.terms`): by their stem, stop
words left out. Offsets are in characters, that is Unicode code points.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from indexer.embedders.terms import query_terms

WIDTH = 300

_WORD = re.compile(r"\w+")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""Thai, Lao, Burmese, Khmer, Japanese and Chinese write words without spaces between."""

_SHARED = 3
"""Stemming changes ends of words: those that share fewer first letters need no comparison."""

_COMPARED = 200
"""Matches among which the best window is chosen."""

_SEARCHED = 20_000
"""Characters of a passage that are looked through, so that no text can hold up an answer."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """What to show, and where in it the matching words are."""

    text: str
    highlights: tuple[tuple[int, int], ...]


def snippet(text: str, words: str, width: int = WIDTH) -> Snippet:
    """The stretch of the text with most different matching words, or its beginning."""
    matches = _matches(text[:_SEARCHED], words)
    start = _start(matches, width)
    start, end = _whole_words(text, start, start + width)
    lead, tail = "…" if start > 0 else "", "…" if end < len(text) else ""
    shift = len(lead) - start
    inside = [(a + shift, b + shift) for a, b, _ in matches if a >= start and b <= end]
    return Snippet(f"{lead}{text[start:end]}{tail}", tuple(inside))


def _matches(text: str, words: str) -> list[tuple[int, int, str]]:
    """Start, end and the word asked for, in the order of the text."""
    spaced, likely, unspaced = _wanted(words)
    found = [
        (match.start(), match.end(), word)
        for match in likely.finditer(text)
        for word in spaced
        if _same(match.group().casefold(), word)
    ]
    for word in unspaced:
        found += [(m.start(), m.end(), word) for m in re.finditer(re.escape(word), text)]
    return sorted(found)[:_COMPARED]


@functools.lru_cache(maxsize=64)
def _wanted(words: str) -> tuple[tuple[str, ...], re.Pattern[str], tuple[str, ...]]:
    """Words asked for, the pattern of those that may be the same, and words of scripts without
    spaces. One question is compared with many passages."""
    wanted = sorted({word.casefold() for word in _WORD.findall(words)})
    unspaced = tuple(word for word in wanted if _UNSPACED.search(word))
    spaced = tuple(word for word in wanted if word not in unspaced and _stem(word))
    beginnings = "|".join(sorted({re.escape(word[:_SHARED]) for word in spaced}))
    likely = rf"\b(?:{beginnings})\w*" if beginnings else r"(?!)"
    return spaced, re.compile(likely, re.IGNORECASE), unspaced


def _same(given: str, wanted: str) -> bool:
    if given == wanted:
        return True
    return given[:_SHARED] == wanted[:_SHARED] and _stem(given) == _stem(wanted)


@functools.lru_cache(maxsize=65_536)
def _stem(word: str) -> tuple[int, ...]:
    """The word's terms; none for a stop word."""
    return tuple(sorted(query_terms(word).indices))


def _start(matches: Sequence[tuple[int, int, str]], width: int) -> int:
    """Where the best window begins: a little before its first match."""
    before = width // 4
    best, most = 0, 0
    for first, (start, _, _) in enumerate(matches):
        inside = {word for _, end, word in matches[first:] if end <= start + width - before}
        if len(inside) > most:
            best, most = start, len(inside)
    return max(0, best - before)


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    if end >= len(text):
        start, end = max(0, min(start, len(text) - (end - start))), len(text)
    if start > 0:
        gap = text.find(" ", start, start + 30)
        start = gap + 1 if gap >= 0 else start
    if end < len(text):
        gap = text.rfind(" ", end - 30, end)
        end = gap if gap > start else end
    return start, end
