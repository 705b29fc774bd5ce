"""How well rankings answer questions whose answers are known: nDCG@10 and its uncertainty.

Data in the BEIR layout: corpus.jsonl, queries.jsonl, qrels/test.tsv.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from indexer.domain import SparseVector

Ranking = list[tuple[str, float]]

CUT: Final = 10


@dataclass(frozen=True, slots=True)
class Questions:
    """Documents and queries by id, and by query the documents that answer it with their grade."""

    documents: Mapping[str, str]
    queries: Mapping[str, str]
    grades: Mapping[str, Mapping[str, int]]


def read_beir(folder: Path) -> Questions:
    """The test split; a title is put before its text unless the text begins with it."""
    documents = {}
    for row in _rows(folder / "corpus.jsonl"):
        title, text = row.get("title", ""), row["text"]
        documents[row["_id"]] = text if text.startswith(title) else f"{title}\n{text}"
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    for line in (folder / "qrels" / "test.tsv").read_text("utf-8").splitlines()[1:]:
        query, document, grade = line.split("\t")
        grades[query][document] = int(grade)
    queries = {row["_id"]: row["text"] for row in _rows(folder / "queries.jsonl")}
    return Questions(documents, {id: queries[id] for id in queries if id in grades}, grades)


def ndcg(ranking: Sequence[tuple[str, float]], grades: Mapping[str, int]) -> float:
    """nDCG@10 with linear gain, as trec_eval computes it: 1 is the best order there is."""
    gained = _discounted([grades.get(id, 0) for id, _ in ranking[:CUT]])
    return gained / _discounted(sorted(grades.values(), reverse=True)[:CUT])


def by_cosine(queries: NDArray[np.float32], passages: NDArray[np.float32]) -> list[Ranking]:
    """For each query all passages by cosine, best first; ids are row numbers."""
    return [
        [(str(row), float(scores[row])) for row in np.argsort(-scores, kind="stable")]
        for scores in queries @ passages.T
    ]


def by_terms(queries: Sequence[SparseVector], passages: Sequence[SparseVector]) -> list[Ranking]:
    """For each query the passages that share a term, by dot product with Qdrant's IDF."""
    postings: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for row, passage in enumerate(passages):
        for term, weight in zip(passage.indices, passage.values, strict=True):
            postings[term].append((row, weight))
    rankings = []
    for query in queries:
        scores: dict[str, float] = defaultdict(float)
        for term in query.indices:
            found = postings.get(term, [])
            idf = math.log(1 + (len(passages) - len(found) + 0.5) / (len(found) + 0.5))
            for row, weight in found:
                scores[str(row)] += idf * weight
        rankings.append(sorted(scores.items(), key=lambda pair: -pair[1]))
    return rankings


def by_document(ranking: Ranking, owners: Sequence[str]) -> Ranking:
    """Documents in the order of their best passage; `owners` gives the document by row number."""
    best: dict[str, float] = {}
    for row, score in ranking:
        best.setdefault(owners[int(row)], score)
    return list(best.items())


def chance(better: NDArray[np.float64], worse: NDArray[np.float64], rounds: int = 10_000) -> float:
    """How often chance alone gives a mean difference as large: a paired randomisation test."""
    difference = better - worse
    signs = np.random.default_rng(0).choice((-1.0, 1.0), (rounds, len(difference)))
    as_large = np.abs((signs * difference).mean(axis=1)) >= abs(difference.mean())
    return float((as_large.sum() + 1) / (rounds + 1))


def _rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _discounted(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))
