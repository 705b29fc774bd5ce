"""The figures of the model card: `python -m indexer.embedders.bundled.measure DATA_FOLDER`."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from indexer.ports import Embedder, Vectors

PROMPT = "a photo of a {}"


class Recall(NamedTuple):
    """Share of queries with a right answer among the first 1, 5 and 10."""

    at_1: float
    at_5: float
    at_10: float


class Retrieval(NamedTuple):
    """Recall of captioned photos in both directions."""

    text_to_image: Recall
    image_to_text: Recall


def retrieval(images: Vectors, captions: Vectors) -> Retrieval:
    """Recall over n photos, (n, 384), and their captions, (n × m, 384), photo after photo."""
    each = len(captions) // len(images)
    owner = np.repeat(np.arange(len(images)), each)
    scores = captions @ images.T
    own = scores[np.arange(len(captions)), owner]
    image_rank = (scores > own[:, None]).sum(1)
    best_own = own.reshape(-1, each).max(1)
    text_rank = (best_own[:, None] < scores.T).sum(1)
    return Retrieval(recall(image_rank), recall(text_rank))


def recall(ranks: NDArray[np.int64]) -> Recall:
    """Recall from the rank of the first right answer to each query, 0 for the best."""
    return Recall(*(round(float((ranks < k).mean()), 4) for k in (1, 5, 10)))


def embed_files(embedder: Embedder, paths: Sequence[Path]) -> Vectors:
    """Unit vectors, (n, 384), of image files, prepared and embedded a batch at a time."""
    batches = []
    for start in range(0, len(paths), 32):
        prepared = []
        for path in paths[start : start + 32]:
            with PIL.Image.open(path) as image:
                prepared.append(embedder.prepare(image.convert("RGB")))
        batches.append(embedder.embed_images(prepared))
    return np.concatenate(batches)


def zero_shot(embedder: Embedder, images: Vectors, labels: Sequence[str]) -> NDArray[np.int64]:
    """Rank of each image's own label among all labels, 0 for the best."""
    names = sorted(set(labels))
    prompts = embedder.embed_texts([PROMPT.format(name) for name in names])
    scores = images @ prompts.T
    own = scores[np.arange(len(labels)), [names.index(label) for label in labels]]
    ranks: NDArray[np.int64] = (scores > own[:, None]).sum(1)
    return ranks


def nearest_neighbour(images: Vectors, labels: Sequence[str]) -> float:
    """Share of images whose nearest other image has the same label."""
    scores = images @ images.T
    np.fill_diagonal(scores, -1.0)
    classes = np.asarray(labels)
    return float((classes[scores.argmax(1)] == classes).mean())


def report_classes(
    embedder: Embedder, folder: Path, label: Callable[[Path], str], say: Callable[[str], None]
) -> None:
    """Says zero-shot top-1 and top-5 and, where classes have several photos, 1-NN accuracy."""
    paths = sorted(folder.rglob("*.jpg"))
    labels = [label(path) for path in paths]
    images = embed_files(embedder, paths)
    ranks = recall(zero_shot(embedder, images, labels))
    say(f"{folder.name}: zero-shot top-1 {ranks.at_1:.3f}, top-5 {ranks.at_5:.3f}")
    if min(Counter(labels).values()) > 1:
        say(f"{folder.name}: nearest neighbour {nearest_neighbour(images, labels):.3f}")


def synset_name(path: Path) -> str:
    """`n01440764_tench.jpg` is a tench."""
    return path.stem.split("_", 1)[1].replace("_", " ").lower()


def main() -> None:
    """Measures the bundled model on the folders that the data README describes."""
    from indexer.embedders.bundled.views import read_photos
    from indexer.embedders.mini import load_mini

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    mini = load_mini("cpu")
    photos = read_photos(data / "flickr8k", "dev")
    captions = [caption for five in photos.captions for caption in five]
    found = retrieval(embed_files(mini, photos.paths), mini.embed_texts(captions))
    print(f"flickr8k dev: text→image {found.text_to_image}, image→text {found.image_to_text}")
    report_classes(mini, data / "imagenet_samples", synset_name, print)
    report_classes(mini, data / "flowers5", lambda path: path.parent.name, print)
    report_classes(mini, data / "clothing", lambda path: path.parent.name, print)


if __name__ == "__main__":
    main()
