"""Questions that a collection can answer and questions that it cannot, as cosines.

Flickr8k's dev photos and captions, Cranfield, five flowers and clothes; in `DATA`, one folder each.
"""

from __future__ import annotations

import csv
import random
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from indexer import meaningless
from indexer.domain import Kind
from indexer.ports import Embedder, Vectors
from indexer.readers.found import Passages
from indexer.texts import split_many
from tests.bench.retrieval import read_beir

Matches = NDArray[np.bool_]

FLOWERS = ["a flower", "flowers", "a sunflower", "a rose", "a daisy", "a tulip", "a dandelion"]
NO_FLOWERS = [
    *(
        "a truck",
        "a person",
        "a computer",
        "a dog",
        "a kitchen",
        "an aeroplane",
        "a football match",
    ),
    *("a castle", "a plate of spaghetti", "a woman with an umbrella", "a bar chart", "a bicycle"),
]


@dataclass(frozen=True)
class Trial:
    """One collection. `right` says which assets answer a question, where that is known."""

    asked: Kind
    assets: Vectors
    meaningless: Vectors
    answerable: Vectors
    right: Matches | None
    others: Mapping[str, Vectors]
    """Questions that nothing answers, by sort."""


@dataclass(frozen=True)
class Source:
    """Where vectors come from; `keep` is a folder for them, so that a second run is quick."""

    data: Path
    embedder: Embedder
    keep: Path | None

    def texts(self, name: str, texts: Sequence[str]) -> Vectors:
        return self._kept(name, lambda: self.embedder.embed_texts(texts))

    def queries(self, name: str, texts: Sequence[str]) -> Vectors:
        return self._kept(name, lambda: self.embedder.embed_queries(texts))

    def pictures(self, name: str, paths: Sequence[Path]) -> Vectors:
        return self._kept(name, lambda: np.concatenate([self._batch([path]) for path in paths]))

    def _batch(self, paths: Sequence[Path]) -> Vectors:
        pictures = [PIL.Image.open(path).convert("RGB") for path in paths]
        return self.embedder.embed_images([self.embedder.prepare(each) for each in pictures])

    def _kept(self, name: str, make: Callable[[], Vectors]) -> Vectors:
        if self.keep is None:
            return make()
        self.keep.mkdir(parents=True, exist_ok=True)
        path = self.keep / f"{self.embedder.name}-{self.embedder.fingerprint}-{name}.npy"
        if not path.exists():
            np.save(path, make())
        vectors: Vectors = np.load(path)
        return vectors


def trials(source: Source) -> dict[str, Trial]:
    """All of them, by name."""
    embedder = source.embedder
    words = source.queries("meaningless-texts", meaningless.texts())
    nothing = embedder.embed_images([embedder.prepare(each) for each in meaningless.pictures()])
    gibberish = source.queries("gibberish", _gibberish(200))
    asking, passages, judged = _cranfield(source)
    away = {"aerodynamics": asking, "gibberish": gibberish}
    photos, captions = _flickr(source)
    first = captions[:, 0]
    return {
        **_of_flickr(photos, captions, words, away),
        "Cranfield by question": Trial(
            Kind.TEXT,
            passages,
            words,
            asking,
            judged,
            {"captions": first[::4], "gibberish": gibberish},
        ),
        **_of_flowers(source, words, nothing, away),
    }


def _of_flickr(
    photos: Vectors, captions: Vectors, words: Vectors, away: Mapping[str, Vectors]
) -> dict[str, Trial]:
    first, further = captions[:, 0], captions[:, 1:].reshape(-1, captions.shape[-1])
    own = np.eye(len(photos), dtype=bool)
    own_further = np.repeat(own, captions.shape[1] - 1, axis=1)
    return {
        "photos by caption": Trial(Kind.TEXT, photos, words, first, own, away),
        "captions by caption": Trial(Kind.TEXT, further, words, first, own_further, away),
    }


def _of_flowers(
    source: Source, words: Vectors, nothing: Vectors, away: Mapping[str, Vectors]
) -> dict[str, Trial]:
    flowers, sorts = _folder(source, "flowers5")
    clothes, garments = _folder(source, "clothing")
    named = source.queries("flowers", FLOWERS)
    unnamed = source.queries("no-flowers", NO_FLOWERS)
    return {
        "flowers by name": Trial(
            Kind.TEXT, flowers, words, named, None, {"other things": unnamed, **away}
        ),
        "flowers by photo": Trial(
            Kind.IMAGE, flowers, nothing, flowers, _same(sorts), {"clothes": clothes}
        ),
        "clothes by photo": Trial(
            Kind.IMAGE, clothes, nothing, clothes, _same(garments), {"flowers": flowers}
        ),
    }


def _same(sorts: NDArray[np.str_]) -> Matches:
    return np.asarray((sorts[:, None] == sorts) & ~np.eye(len(sorts), dtype=bool))


def _flickr(source: Source) -> tuple[Vectors, Vectors]:
    """Dev photos, (n, d), and their five captions, (n, 5, d)."""
    folder = source.data / "flickr8k"
    with (folder / "captions.tsv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["split"] == "dev"]
    rows.sort(key=lambda row: (row["image"], int(row["caption_no"])))
    names = list(dict.fromkeys(row["image"] for row in rows))
    photos = source.pictures("flickr8k-dev", [folder / "images" / name for name in names])
    captions = source.texts("flickr8k-dev-captions", [row["caption"] for row in rows])
    return photos, captions.reshape(len(photos), -1, captions.shape[-1])


def _cranfield(source: Source) -> tuple[Vectors, Vectors, Matches]:
    """Questions, passages, and which passages belong to a document that answers."""
    told = read_beir(source.data / "cranfield")
    passages = Passages(source.embedder.text_window, source.embedder.count_tokens)
    split = split_many(list(told.documents.values()), passages)
    texts = [span.text for spans in split for span in spans]
    owners = [id for id, spans in zip(told.documents, split, strict=True) for _ in spans]
    right = [[told.grades[id].get(owner, 0) > 0 for owner in owners] for id in told.queries]
    asking = source.queries("cranfield-questions", list(told.queries.values()))
    return asking, source.texts("cranfield-passages", texts), np.array(right)


def _folder(source: Source, name: str) -> tuple[Vectors, NDArray[np.str_]]:
    """Pictures in folders, one a sort, and the sort of each."""
    paths = sorted((source.data / name).rglob("*.jpg"))
    return source.pictures(name, paths), np.array([path.parent.name for path in paths])


def _gibberish(count: int) -> list[str]:
    """What a cat on the keyboard asks: other nonsense than what figures are fitted from."""
    chance = random.Random(3)
    keys = string.ascii_lowercase + string.digits + " .,;!?#"
    return [
        "".join(chance.choices(keys, k=chance.randint(3, 25))).strip() or "x" for _ in range(count)
    ]
