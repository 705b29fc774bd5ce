"""What is measured of one text: how long it is, what it consists of, whether it can be read."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Final

MEASURES: Final = ("characters", "digits", "garbled")

_SAMPLE = 20_000
"""Characters looked at: what a text is like shows in its beginning."""
_LONGEST_WORD = 40
_REPEATED = re.compile(r"([^\W\d_])\1{3}")
_BROKEN_CASE = re.compile(r"[a-zà-ÿ][A-ZÀ-Þ]+[a-zà-ÿ]+[A-ZÀ-Þ]")
_VOWELS: Final = frozenset("aeiouy")


def measure(text: str) -> tuple[Mapping[str, float], str | None]:
    """The MEASURES of a text, and the script that most of its letters belong to.

    `characters`: all but white space. `digits`: share of digits among letters and digits.
    `garbled`: share of the words that no person wrote so, as a scanner reads stains (after Taghva
    et al. 2001, Automatic removal of garbage strings in OCR text).
    """
    sample = text[:_SAMPLE]
    digits = sum(char.isdigit() for char in sample)
    letters = [char for char in sample if char.isalpha()]
    words = sample.split()
    garbage = sum(_is_garbage(word) for word in words)
    return {
        "characters": float(sum(not char.isspace() for char in text)),
        "digits": digits / max(digits + len(letters), 1),
        "garbled": garbage / max(len(words), 1),
    }, _script_of(letters)


def _is_garbage(word: str) -> bool:
    if "://" in word or "@" in word:
        return False  # addresses are no words, and no stains either
    bare = word.strip(".,;:!?()[]{}\"'«»„“”‘’…–—-/*")
    if not bare:
        return len(word) > 1 and len(set(word)) > 1  # a stain read as a row of marks
    solid = sum(char.isalnum() or unicodedata.combining(char) > 0 for char in bare)
    inner = {char for char in bare if not char.isalnum() and char not in "-'’.,/:"}
    return (
        "\N{REPLACEMENT CHARACTER}" in bare
        or solid < len(bare) / 2
        or len(inner) > 1
        or _is_no_word(bare)
    )


def _is_no_word(bare: str) -> bool:
    """For words of Latin letters: too long, letters repeated, case at random, no vowel."""
    plain = unicodedata.normalize("NFD", bare)
    latin = [char for char in plain if char.isascii() and char.isalpha()]
    if len(latin) < len(bare) / 2:
        return False
    if len(bare) > _LONGEST_WORD or _REPEATED.search(bare) or _BROKEN_CASE.search(bare):
        return True
    vowels = sum(char.lower() in _VOWELS for char in latin)
    lower = any(char.islower() for char in latin)  # capitals may be an abbreviation
    mixed = sum(char.isdigit() for char in bare) > 0 and lower and len(bare) > 5
    return (lower and len(latin) > 4 and not vowels) or (mixed and _alternates(bare))


def _alternates(word: str) -> bool:
    """Letters and digits take turns more than twice, as in `l0ve1y5`."""
    kinds = [char.isdigit() for char in word if char.isalnum()]
    return sum(one != other for one, other in pairwise(kinds)) > 2


def _script_of(letters: list[str]) -> str | None:
    counts = Counter(_script(char) for char in letters)
    return counts.most_common(1)[0][0] if counts else None


@lru_cache(maxsize=8192)
def _script(char: str) -> str:
    """The first word of a letter's name, which is its script: LATIN, GREEK, CJK, HIRAGANA."""
    script = unicodedata.name(char, "UNKNOWN").split()[0].split("-")[0]
    return "JAPANESE" if script in ("HIRAGANA", "KATAKANA") else script
