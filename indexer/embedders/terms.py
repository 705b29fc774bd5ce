"""Texts as BM25 terms: sparse vectors whose dot product, with the engine's IDF, is BM25.

A document's weights are BM25's term frequencies (Robertson and Zaragoza, 2009, eq. 3.15), a
query's are all 1; the engine multiplies by IDF over the Collection. Made by qdrant-edge, in
process, for both vector stores.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from indexer.domain import SparseVector
from indexer.embedders.encodable import encodable
from indexer.errors import InvalidInput

if TYPE_CHECKING:
    from qdrant_edge import Bm25
    from qdrant_edge import SparseVector as EdgeSparseVector

# Lucene's defaults; none of them is tuned to a collection.
SATURATION: Final = 1.2
LENGTH_PENALTY: Final = 0.75

# Terms in an average passage, stop words left out: 75 in Cranfield's, cut at MiniLM's window.
AVERAGE_LENGTH: Final = 75.0

_NUMBER: Final = re.compile(r"(?<!\w)\d+(?!\w)")


def document_terms(texts: Sequence[str], language: str = "english") -> list[SparseVector]:
    """The terms of passages; a text without any (empty, only stop words) has an empty vector.

    `language` chooses stop words and stemmer, for texts and queries alike. Raises `InvalidInput`
    if there are none for it.
    """
    return [_document(encodable(text), language) for text in texts]


def query_terms(text: str, language: str = "english") -> SparseVector:
    """The terms of a query, each once with weight 1. Raises `InvalidInput` as above."""
    clean = encodable(text)
    numbers = _numbers(clean, language)
    return _sparse(_model(language).embed_query(clean), dict.fromkeys(numbers, 1.0))


def _document(text: str, language: str) -> SparseVector:
    words = _model(language).embed_document(text)
    numbers = _numbers(text, language)
    if not numbers:
        return _sparse(words, {})
    counted = _model(language, by_spaces=True).embed_document(text)
    weights = dict(zip(counted.indices, counted.values, strict=True))
    return _sparse(words, {index: weights[index] for index in numbers if index in weights})


def _numbers(text: str, language: str) -> Sequence[int]:
    """Terms of the numbers in a text: years, shelf marks, amounts. The tokenizer drops them."""
    numbers = " ".join(_NUMBER.findall(text))
    return _model(language, by_spaces=True).embed_query(numbers).indices if numbers else ()


@functools.cache
def _model(language: str, by_spaces: bool = False) -> Bm25:
    from qdrant_edge import Bm25, Bm25Config, TokenizerType

    try:
        return Bm25(
            Bm25Config(
                k=SATURATION,
                b=LENGTH_PENALTY,
                avg_len=AVERAGE_LENGTH,
                language=language,
                ascii_folding=True,
                # Equal to the word tokenizer in English but for numbers, which it drops; and it
                # finds words where no spaces are.
                tokenizer=TokenizerType.Word if by_spaces else TokenizerType.Multilingual,
            )
        )
    except ValueError as error:
        raise InvalidInput(
            f"There are no stop words and stemmer for {language!r}; name a language in English, "
            "such as english, german or french.",
            language=language,
        ) from error


def _sparse(words: EdgeSparseVector, numbers: Mapping[int, float]) -> SparseVector:
    weights = {**dict(zip(words.indices, words.values, strict=True)), **numbers}
    return SparseVector(tuple(weights), tuple(weights.values()))
