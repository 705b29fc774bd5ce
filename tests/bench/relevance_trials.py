"""Questions that a collection can answer and questions that it cannot, as cosines.

Flickr8k's dev photos and captions, Cranfield, five flowers and clothes; in `DATA`, one folder each.
"""

from __future__ import annotations

import csv
import hashlib
import random
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from indexer import meaningless
from indexer.ports import Embedder, Vectors
from indexer.readers.found import Passages
from indexer.texts import split_many
from tests.bench.retrieval import read_beir

Matches = NDArray[np.bool_]


def _listed(text: str) -> list[str]:
    return [" ".join(each.split()) for each in text.split(";")]


FLOWERS = _listed("""
    a flower; flowers; a sunflower; a rose; a daisy; a tulip; a dandelion; a field of sunflowers;
    red roses; white daisies; a bed of tulips; a dandelion gone to seed; petals; a blossom;
    a plant in bloom; a bouquet
""")
NO_FLOWERS = _listed("""
    a truck; a person; a computer; a dog; a kitchen; an aeroplane; a football match; a castle;
    spaghetti; a woman with an umbrella; a bar chart; a bicycle; a ship at sea; an old newspaper;
    shoes; a bridge; an office desk; people at a party; a train; a snowy mountain; a guitar;
    a tax return; a goldfish; money
""")


@dataclass(frozen=True)
class Trial:
    """One collection. `right` says which assets answer a question, where that is known."""

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

    def texts(self, texts: Sequence[str]) -> Vectors:
        return self._kept("texts", texts, self.embedder.embed_texts)

    def queries(self, texts: Sequence[str]) -> Vectors:
        return self._kept("queries", texts, self.embedder.embed_queries)

    def pictures(self, paths: Sequence[Path]) -> Vectors:
        return self._kept("pictures", [str(path) for path in paths], self._embed_files)

    def _embed_files(self, paths: Sequence[str]) -> Vectors:
        return np.concatenate([self._embed_file(path) for path in paths])

    def _embed_file(self, path: str) -> Vectors:
        with PIL.Image.open(path) as picture:
            return self.embedder.embed_images([self.embedder.prepare(picture.convert("RGB"))])

    def _kept(
        self, sort: str, inputs: Sequence[str], embed: Callable[[Sequence[str]], Vectors]
    ) -> Vectors:
        if self.keep is None:
            return embed(inputs)
        self.keep.mkdir(parents=True, exist_ok=True)
        what = f"{self.embedder.fingerprint} {sort} {list(inputs)}"
        path = self.keep / f"{hashlib.sha256(what.encode()).hexdigest()[:16]}.npy"
        if not path.exists():
            np.save(path, embed(inputs))
        vectors: Vectors = np.load(path)
        return vectors


def trials(source: Source) -> dict[str, Trial]:
    """All of them, by name: what is found, by what is asked with."""
    embedder = source.embedder
    words = source.queries(meaningless.texts())
    nothing = embedder.embed_images([embedder.prepare(each) for each in meaningless.pictures()])
    gibberish = source.queries(_gibberish(200))
    asking, passages, judged = _cranfield(source)
    away = {"aerodynamics": asking, "gibberish": gibberish}
    photos, captions = _flickr(source)
    first, further = captions[:, 0], captions[:, 1:].reshape(-1, captions.shape[-1])
    own = np.eye(len(photos), dtype=bool)
    own_further = np.repeat(own, captions.shape[1] - 1, axis=1)
    elsewhere = {"captions": first[::4], "gibberish": gibberish}
    flowers, sorts = _folder(source, "flowers5")
    clothes, garments = _folder(source, "clothing")
    named = source.queries(FLOWERS)
    no_flowers = {"other things": source.queries(NO_FLOWERS), **away}
    other_photos = {"flowers": flowers, "clothes": clothes}
    return {
        "photos by caption": Trial(photos, words, first, own, away),
        "flowers by name": Trial(flowers, words, named, None, no_flowers),
        "captions by caption": Trial(further, words, first, own_further, away),
        "Cranfield by question": Trial(passages, words, asking, judged, elsewhere),
        "flowers by photo": Trial(flowers, nothing, flowers, _same(sorts), {"clothes": clothes}),
        "clothes by photo": Trial(clothes, nothing, clothes, _same(garments), {"flowers": flowers}),
        "captions by photo": Trial(further, nothing, photos, own_further, other_photos),
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
    photos = source.pictures([folder / "images" / name for name in names])
    captions = source.texts([row["caption"] for row in rows])
    return photos, captions.reshape(len(photos), -1, captions.shape[-1])


def _cranfield(source: Source) -> tuple[Vectors, Vectors, Matches]:
    """Questions, passages, and which passages belong to a document that answers."""
    told = read_beir(source.data / "cranfield")
    passages = Passages(source.embedder.text_window, source.embedder.count_tokens)
    split = split_many(list(told.documents.values()), passages)
    texts = [span.text for spans in split for span in spans]
    owners = [id for id, spans in zip(told.documents, split, strict=True) for _ in spans]
    right = [[told.grades[id].get(owner, 0) > 0 for owner in owners] for id in told.queries]
    asking = source.queries(list(told.queries.values()))
    return asking, source.texts(texts), np.array(right)


def _folder(source: Source, name: str) -> tuple[Vectors, NDArray[np.str_]]:
    """Pictures in folders, one a sort, and the sort of each."""
    paths = sorted((source.data / name).rglob("*.jpg"))
    return source.pictures(paths), np.array([path.parent.name for path in paths])


def _gibberish(count: int) -> list[str]:
    """What a cat on the keyboard asks: other nonsense than what figures are fitted from."""
    chance = random.Random(3)
    keys = string.ascii_lowercase + string.digits + " .,;!?#"
    return [
        "".join(chance.choices(keys, k=chance.randint(3, 25))).strip() or "x" for _ in range(count)
    ]
