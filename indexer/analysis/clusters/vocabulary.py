"""Names from a vocabulary: the terms that the Space's own text model puts nearest to a centre."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np

from indexer.analysis.clusters.kmeans import Vectors
from indexer.analysis.method import Progress
from indexer.batches import batches
from indexer.blob_store import BlobStore
from indexer.charsets import decode_text
from indexer.domain import Kind
from indexer.errors import InvalidInput, SemblanceError
from indexer.ports import Embedder

COLUMNS: Final = ("term", "label", "preflabel", "pref_label", "heading", "name", "title", "text")
"""Headings of the column that holds the terms, best first; compared without case."""
MOST_TERMS: Final = 200_000
MOST_BYTES: Final = 256 * 1024**2
MOST_LETTERS: Final = 200
SHARED: Final = 0.5
"""How much of what all clusters have in common is taken off before a term is judged: with nothing
taken off all clusters of flowers are called `flower`, with all of it one is called `ice cream`."""
_BATCH: Final = 256
_PROMPT: Final = "a photo of {}"


def general() -> list[str]:
    """The list that comes along: plain words for what pictures show."""
    text = resources.files(__package__ or "").joinpath("vocabulary.txt").read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def read(path: Path) -> list[str]:
    """The terms in a file: one a line, or the column of a CSV or TSV file named `term`, `label`,
    `prefLabel` or the like.

    Raises `InvalidInput` naming the file and what is wrong with it.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InvalidInput(f"The vocabulary {path} is larger than {MOST_BYTES:,} bytes.")
        text = decode_text(path.read_bytes())
    except OSError as error:
        raise InvalidInput(
            f"The vocabulary {path} cannot be read where the analysis runs: {error.strerror}.",
            vocabulary=str(path),
        ) from error
    except SemblanceError as error:
        raise InvalidInput(f"The vocabulary {path} cannot be read: {error.message}") from error
    return checked(_terms_in(text, path), f"The vocabulary {path}")


def checked(terms: Sequence[str], what: str) -> list[str]:
    """Terms without blanks around them and none twice. Raises `InvalidInput` for none, too many."""
    cleaned = (" ".join(term.split())[:MOST_LETTERS] for term in terms)
    different = list(dict.fromkeys(term for term in cleaned if term))
    if not different:
        raise InvalidInput(f"{what} holds no term.")
    if len(different) > MOST_TERMS:
        raise InvalidInput(
            f"{what} holds {len(different):,} terms; at most {MOST_TERMS:,} can be compared. Give "
            "a part of it."
        )
    return different


def embedded(
    embedder: Embedder,
    terms: Sequence[str],
    kind: Kind | None,
    blobs: BlobStore,
    progress: Progress,
) -> Vectors:
    """Unit vectors of the terms, shape (t, dimension), from what is kept if they were made before.

    For pictures a term stands in "a photo of …", as captions do.
    """
    prompt = "{}" if kind is Kind.TEXT else _PROMPT
    told = "\n".join([embedder.fingerprint, prompt, *terms])
    key = f"terms-{hashlib.sha256(told.encode()).hexdigest()}"
    kept = blobs.get_derived(key)
    if kept is not None and len(kept) == len(terms) * embedder.dimension * 4:
        return np.frombuffer(kept, np.float32).reshape(len(terms), embedder.dimension)
    made: list[Vectors] = []
    for some in batches(terms, _BATCH):
        progress.step("Reading the vocabulary", len(made) * _BATCH, len(terms))
        made.append(embedder.embed_queries([prompt.format(term) for term in some]))
    vectors = np.ascontiguousarray(np.concatenate(made), np.float32)
    blobs.put_derived(key, vectors.tobytes())
    return vectors


def nearest_terms(
    centres: Vectors, terms: Sequence[str], vectors: Vectors, count: int
) -> list[list[str]]:
    """For each centre the terms nearest to it, best first, less half of what all centres share."""
    cosines = centres @ vectors.T
    special = cosines - SHARED * cosines.mean(axis=0) if len(centres) > 1 else cosines
    return [[terms[place] for place in np.argsort(-row, kind="stable")[:count]] for row in special]


def _terms_in(text: str, path: Path) -> list[str]:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if path.suffix.lower() not in (".csv", ".tsv", ".tab"):
        return lines
    delimiter = "\t" if path.suffix.lower() != ".csv" else _delimiter(lines[0] if lines else "")
    try:
        table = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as error:
        raise InvalidInput(f"The vocabulary {path} is no CSV file: {error}.") from error
    header = [cell.strip() for cell in table[0]] if table else []
    names = [name.casefold().rpartition(":")[2].partition("@")[0] for name in header]
    known = [names.index(column) for column in COLUMNS if column in names]
    if not known and len(header) > 1:
        raise InvalidInput(
            f"The vocabulary {path} has no column for its terms. Name one of these `term`: "
            f"{', '.join(header)}.",
            columns=header,
        )
    rows = table[1:] if known else table
    column = known[0] if known else 0
    return [row[column] for row in rows if len(row) > column]


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)
