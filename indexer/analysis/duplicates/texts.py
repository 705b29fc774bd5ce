"""Texts that say the same: equal but for spacing and case, contained in another, or re-worded."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass

from indexer.analysis.duplicates.verdicts import Judged, Verdict

_WORD = re.compile(r"\w+")
_SHINGLE = 3
_FEWEST_WORDS = 6
_CONTAINED = 0.9


@dataclass(frozen=True, slots=True)
class Wording:
    """A text's words in order, case and compatibility forms folded, and their shingles of three."""

    words: tuple[str, ...]
    shingles: frozenset[tuple[str, ...]]

    @property
    def distinct(self) -> frozenset[str]:
        return frozenset(self.words)


def wording(text: str) -> Wording:
    """The words of a text; spacing, case and punctuation are left out."""
    words = tuple(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))
    runs = range(max(1, len(words) - _SHINGLE + 1))
    return Wording(words, frozenset(words[start : start + _SHINGLE] for start in runs))


def normal_hash(text: str) -> bytes:
    """16 bytes that are equal for texts that differ in spacing, case and punctuation alone."""
    joined = "".join(wording(text).words) or text
    return hashlib.blake2b(joined.encode("utf-8", "replace"), digest_size=16).digest()


def overlap(first: Wording, second: Wording) -> float:
    """The share of their distinct words that both have (Jaccard)."""
    every = first.distinct | second.distinct
    return len(first.distinct & second.distinct) / len(every) if every else 0.0


def containment(part: Wording, whole: Wording) -> float:
    """The share of the part's shingles that the whole has (Broder 1997)."""
    return len(part.shingles & whole.shingles) / len(part.shingles) if part.words else 0.0


def judge_texts(
    first: str, second: str, cosine: float, *, reworded: float, shared: float
) -> Judged | None:
    """What two texts are to each other, or None.

    Re-worded are texts whose cosine is at least `reworded` and which share that part of their
    words at least.
    """
    if normal_hash(first) == normal_hash(second):
        return Judged(Verdict.SAME_TEXT, (Verdict.SAME_TEXT,))
    one, other = wording(first), wording(second)
    derived = 0 if len(one.words) < len(other.words) else 1
    part, whole = (one, other) if derived == 0 else (other, one)
    if len(part.words) >= _FEWEST_WORDS and containment(part, whole) >= _CONTAINED:
        return Judged(Verdict.CONTAINED, (Verdict.CONTAINED,), derived)
    if cosine >= reworded and overlap(one, other) >= shared:
        return Judged(Verdict.REWORDED, (Verdict.REWORDED,))
    return None
