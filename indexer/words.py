"""Words as they are written: whether a text holds all that were asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from indexer.domain import SparseVector

_WORD = re.compile(r"\w+")


def content_words(text: str, terms: Callable[[str], SparseVector]) -> tuple[str, ...]:
    """The different words of a query in lower case, stop words left out.

    Those have no `terms`; nor have numbers, which say something all the same.
    """
    words = dict.fromkeys(_WORD.findall(text.casefold()))
    return tuple(word for word in words if terms(word).indices or not word.isalpha())


def holds_all(text: str, words: Sequence[str]) -> bool:
    """True if every word is in the text as a whole word, whatever the case; False without words."""
    return bool(words) and set(words) <= set(_WORD.findall(text.casefold()))
