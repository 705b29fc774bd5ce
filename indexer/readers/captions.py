"""What lies beside pictures: captions in a file of the same name, and COCO caption files."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from indexer.charsets import decode_text
from indexer.errors import SemblanceError, UndecodableAsset
from indexer.media import Family, family_of
from indexer.readers.original import file_errors
from indexer.readers.uris import readable
from indexer.readers.values import metadata

MAX_CAPTION_BYTES = 64 * 1024
"""A larger `.txt` is a text of its own, whatever picture has its name."""

_ENDINGS = (".txt", ".json")


@dataclass(frozen=True, slots=True)
class CocoCaptions:
    """Captions by file name as COCO files write it, and when the newest was changed (ns)."""

    by_name: Mapping[str, Sequence[str]] = field(default_factory=dict)
    files: frozenset[str] = frozenset()
    mtime_ns: int = 0

    def of(self, below: str) -> Sequence[str]:
        """Captions of the picture at this path below the root; the longest matching path wins."""
        if not self.by_name:
            return ()
        parts = below.split("/")
        names = ("/".join(parts[i:]) for i in range(len(parts)))
        return next((self.by_name[name] for name in names if name in self.by_name), ())


def caption_files(names: Iterable[str]) -> dict[str, list[str]]:
    """For the names in one folder: which `.txt` and `.json` has a picture of the same stem.

    Keys are picture names; each caption file goes to every picture of its stem.
    """
    listed = list(names)
    beside: dict[str, list[str]] = defaultdict(list)
    for name in listed:
        stem, ending = os.path.splitext(name)
        if ending.lower() in _ENDINGS:
            beside[stem].append(name)
    if not beside:
        return {}
    pictures = (name for name in listed if family_of(name) is Family.IMAGE)
    stems = ((name, os.path.splitext(name)[0]) for name in pictures)
    return {name: sorted(beside[stem]) for name, stem in stems if stem in beside}


def read_beside(files: Sequence[Path]) -> dict[str, object]:
    """The metadata in caption files: a text is the `caption`, a JSON object its own entries.

    Raises `UndecodableAsset` naming the file that cannot be read.
    """
    facts: dict[str, object] = {}
    for file in files:
        path = readable(file)
        with file_errors(path):
            data = file.read_bytes()
        try:
            text = decode_text(data).strip()
            if file.suffix.lower() == ".json":
                facts.update(metadata(_json_object(text)))
            elif text:
                facts["caption"] = text
        except (SemblanceError, ValueError, RecursionError) as error:
            raise UndecodableAsset(f"The caption file {path} cannot be used: {error}") from error
    return facts


def read_coco(files: Iterable[Path], limit: int) -> CocoCaptions:
    """The captions in those of the files that are COCO caption files; others are passed over.

    Files over `limit` bytes are passed over too: the whole of a file is held in memory.
    """
    by_name: dict[str, list[str]] = defaultdict(list)
    used: list[str] = []
    newest = 0
    for file in files:
        try:
            stat = file.stat()
            captions = _coco_in(file.read_bytes()) if stat.st_size <= limit else {}
        except (OSError, ValueError, RecursionError):
            continue  # it is listed as a file that is not read, with the reason
        for name, texts in captions.items():
            by_name[name].extend(texts)
        if captions:
            used.append(os.fspath(file))
            newest = max(newest, stat.st_mtime_ns)
    return CocoCaptions(dict(by_name), frozenset(used), newest)


def _json_object(text: str) -> Mapping[object, object]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("it holds no JSON object")
    return value


def _coco_in(data: bytes) -> dict[str, list[str]]:
    # parsing is slow, so what cannot be a caption file is not parsed
    if b'"annotations"' not in data or b'"caption"' not in data or b'"images"' not in data:
        return {}
    content = json.loads(data)
    images, notes = content.get("images"), content.get("annotations")
    if not isinstance(images, list) or not isinstance(notes, list):
        return {}
    names = {image["id"]: _name(image) for image in images if _is_image(image)}
    captions: dict[str, list[str]] = defaultdict(list)
    for note in notes:
        caption = note.get("caption") if isinstance(note, dict) else None
        if isinstance(caption, str) and caption.strip() and _key(note) in names:
            captions[names[_key(note)]].append(caption.strip())
    return captions


def _is_image(image: object) -> bool:
    return (
        isinstance(image, dict)
        and isinstance(image.get("file_name"), str)
        and isinstance(image.get("id"), int | str)
    )


def _key(note: Mapping[str, object]) -> int | str | None:
    key = note.get("image_id")
    return key if isinstance(key, int | str) else None


def _name(image: Mapping[str, object]) -> str:
    return str(PurePosixPath(str(image["file_name"]))).lstrip("/")
