"""Texts split into passages: at sentence ends, within a window of tokens, at exact offsets.

Offsets count characters of the text given, and `text[start:end]` is the passage. Every character
that is not white space ends up in exactly one passage.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from indexer.readers.found import Passages

_PIECE = 1000
"""Characters given to sentencex at a time: its time grows with the square of non-ASCII text."""

_CHARACTERS_PER_TOKEN = 32
"""A passage never has more characters a token than this: tokenizers count a thousand letters
without a space as one unknown token, and such a passage would have no bound."""

_LONG_ENOUGH = 0.4
"""Share of the window from which a passage ends with its paragraph rather than reach on."""

_BREAK = re.compile(r"\n\s*\n|\n(?=#{1,6}\s)")
_HEADING = re.compile(r"\s*#{1,6}\s[^\n]*")
_SPACE_END = re.compile(r"\s+")
# sentencex panics on white space outside ASCII after a full stop, and takes no surrogates
_FOR_SENTENCEX = {
    **dict.fromkeys(map(ord, "\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000"), " "),
    **dict.fromkeys(range(0x2000, 0x200B), " "),
    **dict.fromkeys(range(0xD800, 0xE000), "x"),
    ord("\n"): " ",
    ord("\r"): " ",
}


@dataclass(frozen=True, slots=True)
class Span:
    """A passage and where it is: character offsets, `end` exclusive."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is never cut any more: a sentence, or a part of one that is too long for the window."""

    start: int
    end: int
    opens: bool = False
    """The first of a paragraph."""
    heading: bool = False


def split(text: str, passages: Passages, language: str = "en") -> Iterator[Span]:
    """The passages of one text in order; nothing for a text that is all white space."""
    return iter(split_many([text], passages, language)[0])


def split_many(texts: Sequence[str], passages: Passages, language: str = "en") -> list[list[Span]]:
    """The passages of each text; tokens of all of them are counted in one go."""
    units = [(i, unit) for i, text in enumerate(texts) for unit in _sentences(text, language)]
    sized = _within_window(texts, units, passages)
    spans: list[list[Span]] = [[] for _ in texts]
    for i, text in enumerate(texts):
        for start, end in _packed(sized[i], passages.window):
            spans[i].append(_span(text, start, end))
    return spans


def _span(text: str, start: int, end: int) -> Span:
    passage = text[start:end]
    start += len(passage) - len(passage.lstrip())
    passage = passage.strip()
    return Span(start, start + len(passage), passage)


def _sentences(text: str, language: str) -> Iterator[_Unit]:
    for paragraph_start, paragraph_end, heading in _paragraphs(text):
        opens = True
        for start, end in _sentences_within(text, paragraph_start, paragraph_end, language):
            if not text[start:end].isspace():
                yield _Unit(start, end, opens, heading)
                opens = False


def _paragraphs(text: str) -> Iterator[tuple[int, int, bool]]:
    """Start, end, and whether it is a heading, of what lies between blank lines and headings."""
    start = 0
    for end in chain((match.end() for match in _BREAK.finditer(text)), (len(text),)):
        heading = _HEADING.match(text, start, end)
        if heading is not None:
            yield start, heading.end(), True
            start = heading.end()
        yield start, end, False
        start = end


def _sentences_within(text: str, start: int, end: int, language: str) -> Iterator[tuple[int, int]]:
    """Sentences of one paragraph, a bounded piece at a time; a piece ends at a sentence end."""
    while start < end:
        stop = min(start + _PIECE, end)
        ends = [start + at for at in _sentence_ends(text[start:stop], language)]
        if stop < end:
            # the last sentence may go on: it is looked at again with what follows
            ends = ends[:-1] or [_cut(text, start, stop + 1, stop)]
        for sentence_end in ends:
            yield start, sentence_end
            start = sentence_end


def _sentence_ends(piece: str, language: str) -> list[int]:
    import sentencex

    try:
        found = sentencex.get_sentence_boundaries(language, piece.translate(_FOR_SENTENCEX))
    except BaseException as error:
        # a panic in Rust is no Exception; one odd piece must not lose the document
        if type(error).__name__ != "PanicException":
            raise
        return [len(piece)]
    ends = sorted({int(sentence["end_index"]) for sentence in found})
    inside = [end for end in ends if 0 < end < len(piece)]
    return [*inside, len(piece)]


def _within_window(
    texts: Sequence[str], units: list[tuple[int, _Unit]], passages: Passages
) -> list[list[tuple[_Unit, int]]]:
    """Units with their tokens, by text; those over the window are halved until they fit."""
    sized: list[list[tuple[_Unit, int]]] = [[] for _ in texts]
    halved = False
    while units:
        parts = [texts[i][unit.start : unit.end] for i, unit in units]
        counts = passages.count_tokens(parts)
        halves: list[tuple[int, _Unit]] = []
        for (i, unit), part, count in zip(units, parts, counts, strict=True):
            tokens = max(count, len(part) // _CHARACTERS_PER_TOKEN)
            if tokens <= passages.window or unit.end - unit.start == 1:
                sized[i].append((unit, tokens))
            else:
                halves.extend((i, half) for half in _halves(texts[i], unit))
        units, halved = halves, halved or bool(halves)
    if halved:
        for of_text in sized:
            of_text.sort(key=lambda pair: pair[0].start)
    return sized


def _halves(text: str, unit: _Unit) -> list[_Unit]:
    middle = _cut(text, unit.start, unit.end, (unit.start + unit.end) // 2)
    first = _Unit(unit.start, middle, unit.opens, unit.heading)
    second = _Unit(middle, unit.end)
    return [half for half in (first, second) if not text[half.start : half.end].isspace()]


def _cut(text: str, start: int, end: int, near: int) -> int:
    """The word end nearest before `near`, else after it; `near` itself in one long word."""
    for at in range(near, start, -1):
        if text[at - 1].isspace():
            return at if at < end else near
    after = _SPACE_END.search(text, near, end)
    return after.end() if after is not None and after.end() < end else max(near, start + 1)


def _packed(units: Sequence[tuple[_Unit, int]], window: int) -> Iterator[tuple[int, int]]:
    """Runs of units that fit the window together; paragraphs end a run that is long enough."""
    run: list[tuple[_Unit, int]] = []
    total = 0
    for unit, tokens in units:
        if run and (total + tokens > window or (unit.opens and total >= _LONG_ENOUGH * window)):
            kept = _stranded(run, tokens, window)
            yield run[0][0].start, run[len(run) - len(kept) - 1][0].end
            run, total = kept, sum(count for _, count in kept)
        run.append((unit, tokens))
        total += tokens
    if run:
        yield run[0][0].start, run[-1][0].end


def _stranded(
    run: Sequence[tuple[_Unit, int]], tokens: int, window: int
) -> list[tuple[_Unit, int]]:
    """The heading at the end of a run, which belongs to what comes next if it fits there."""
    last, count = run[-1]
    return [run[-1]] if last.heading and len(run) > 1 and count + tokens <= window else []
