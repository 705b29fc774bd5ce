"""Names from the words that assets bring along: class-based TF-IDF.

Weight of a term in a cluster: the root of its share of the cluster's terms, times log(1 + A / f),
with A the mean number of terms in a cluster and f how often the term is in all of them
(Grootendorst, "BERTopic: Neural topic modeling with a class-based TF-IDF procedure", 2022; the root
is what it offers against words that are frequent everywhere, such as "man" in captions).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Weights = NDArray[np.float64]

FEWEST_TEXTS: Final = 20
"""From so many texts on, a word that stands in more than half of them says nothing."""
PAIRED: Final = 0.5
"""The share of a word's occurrences in one pair above which the pair is meant."""
LOOKED_AT: Final = 10
"""Pairs are looked for among so many times the terms that are wanted."""
_WORD: Final = r"(?u)\b[^\W\d_][\w'’-]*[^\W_]\b"
_NO_WORDS: Final = re.compile(r"\w+://|^\W*[\d\W]+$|^[\w.+-]+@[\w-]+\.|\.\w{3,4}$")
"""Addresses, numbers and dates, names of files: what names nothing that a person would see."""


_TECHNICAL: Final = frozenset({"camera", "taken", "location", "date", "id"})
"""Metadata that tells how and when a picture was made, not what is in it."""


def text_of(payload: Mapping[str, object]) -> str:
    """The passage itself, or of a picture every text in its metadata (captions, titles, labels)."""
    text = payload.get("text")
    if isinstance(text, str) and text.strip():
        return text
    metadata = payload.get("metadata")
    told = metadata if isinstance(metadata, Mapping) else {}
    seen = {key: value for key, value in told.items() if key.casefold() not in _TECHNICAL}
    return ". ".join(part for part in _texts(seen) if not _NO_WORDS.search(part))


def terms(texts: Sequence[Sequence[str]], count: int) -> list[list[str]]:
    """For each cluster the terms that set it apart from the others, best first; from its texts.

    Words and pairs of words, English stop words and what is everywhere left out; a cluster without
    words has none.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    every = [text for cluster in texts for text in cluster]
    most = 0.5 if len(every) >= FEWEST_TEXTS and len(texts) > 1 else 1.0
    counter = CountVectorizer(
        stop_words="english", ngram_range=(1, 2), max_df=most, token_pattern=_WORD
    )
    try:
        counted = counter.fit_transform(every)
    except ValueError:  # its way to say that only stop words are there
        return [[] for _ in texts]
    counts = _by_cluster(counted, [len(cluster) for cluster in texts])
    names, weighted = counter.get_feature_names_out(), weights(counts)
    rows = [slice(*counts.indptr[row : row + 2]) for row in range(len(texts))]
    return [
        _best(weighted[row], counts.data[row], names[counts.indices[row]], count) for row in rows
    ]


def weights(counts: csr_matrix) -> Weights:
    """Class-based TF-IDF of how often each term (column) is in each cluster (row).

    Of the counts that are stored, in their order: a term that is not there weighs nothing, and a
    cluster has few of the words and pairs that all of them have.
    """
    in_cluster = np.asarray(counts.sum(axis=1), np.float64).ravel()
    in_all = np.asarray(counts.sum(axis=0), np.float64).ravel()
    rarity = np.log1p(in_cluster.mean() / np.maximum(in_all, 1))
    totals = np.repeat(np.maximum(in_cluster, 1), np.diff(counts.indptr))
    return np.asarray(np.sqrt(counts.data / totals) * rarity[counts.indices], np.float64)


def _by_cluster(counted: csr_matrix, sizes: Sequence[int]) -> csr_matrix:
    """How often each term is in each cluster, whose texts follow each other in the rows."""
    from scipy.sparse import csr_matrix

    texts = np.arange(counted.shape[0])
    ends = np.cumsum([0, *sizes])
    of_cluster = csr_matrix((np.ones(len(texts)), texts, ends), (len(sizes), len(texts)))
    counts = (of_cluster @ counted).tocsr()
    counts.sort_indices()
    return counts


def _best(weighted: Weights, counts: Weights, names: Sequence[str], count: int) -> list[str]:
    """The heaviest words, each as the pair it mostly stands in: `boundary layer`.

    One that shares a word with a heavier one is left out.
    """
    # What was said once names no cluster where anything was said twice.
    least = max(1, min(2, counts.max(initial=0)))
    order = [int(place) for place in np.argsort(-weighted, kind="stable") if counts[place] >= least]
    pairs = [place for place in order if " " in names[place]][: count * LOOKED_AT]
    chosen: list[str] = []
    said: set[str] = set()
    for place in (place for place in order if " " not in names[place]):
        if len(chosen) == count:
            break
        around = (pair for pair in pairs if names[place] in names[pair].split())
        fuller = next((p for p in around if counts[p] > max(1, PAIRED * counts[place])), place)
        words = {_stem(word) for word in names[fuller].split()}
        if not words & said:
            chosen.append(str(names[fuller]))
            said |= words
    return chosen


def _stem(word: str) -> str:
    return word[:-1] if word.endswith("s") and len(word) > 3 else word


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str) and value.strip():
        yield value.strip()
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for inner in value:
            yield from _texts(inner)
