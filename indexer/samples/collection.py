"""Writing the sample collection: pictures, near-duplicates, misfits, captions and texts."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from indexer.samples import variations
from indexer.samples.markdown import markdown, prose, titled
from indexer.samples.origins import Origin, distribution, docstrings, installed_origins, zen

NOTES = "LICENCES.md"
"""The file that says where each sample comes from. It is about the collection, not part of it."""

_EDITION = 1
"""Raised when the choice of samples changes, so that folders of an older choice are completed."""

_FACES = 12
_SHORTEST_TEXT = 200
"""Characters; a text with fewer says too little to be found."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One file of the collection: its path below the folder, its bytes, where they come from."""

    path: str
    data: bytes
    origin: str
    licence: str


def make_samples(folder: Path) -> Path:
    """The folder, holding the demo's sample collection; what is complete is not written again.

    It needs no network: everything comes out of installed packages. Raises Unavailable if one of
    them is missing.
    """
    origins = installed_origins()
    heading = _heading(origins)
    notes = folder / NOTES
    if _is_complete(folder, notes, heading):
        return folder
    rows = []
    for sample in (*_pictures(origins), *_texts(origins)):
        _write(folder / sample.path, sample.data)
        rows.append(f"| {sample.path} | {sample.origin} | {sample.licence} |")
    # notes last: they vouch for the files that they list
    _write(notes, "\n".join([heading, *rows, ""]).encode())
    return folder


def _heading(origins: Mapping[str, Origin]) -> str:
    packages = ", ".join(str(origin) for origin in origins.values())
    return (
        "# Where these samples come from\n\n"
        f"Edition {_EDITION}, made on this machine from files and documentation of {packages}.\n"
        "Each file stays under the licence of what it was made from.\n\n"
        "| File | From | Licence |\n| --- | --- | --- |"
    )


def _is_complete(folder: Path, notes: Path, heading: str) -> bool:
    if not notes.is_file():
        return False
    text = notes.read_text(encoding="utf-8")
    paths = (row.split(" | ")[0][2:] for row in text[len(heading) :].splitlines() if row)
    return text.startswith(heading) and all((folder / path).is_file() for path in paths)


def _write(path: Path, data: bytes) -> None:
    """Write a whole file or none, and only if it is not there as it should be."""
    if path.is_file() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    os.replace(part, path)


# --- pictures ----------------------------------------------------------------------------------


def _pictures(origins: Mapping[str, Origin]) -> Iterator[Sample]:
    table = tomllib.loads(files(__package__).joinpath("pictures.toml").read_text(encoding="utf-8"))
    made: dict[str, Sample] = {}
    for row in table["picture"]:
        name, _, inside = row["from"].partition(": ")
        file = origins[name].folder / inside
        if not file.is_file():  # another version of the package may lack one
            continue
        sample = Sample(
            row["path"], file.read_bytes(), f"{origins[name]}, {inside}", row["licence"]
        )
        made[sample.path] = sample
        yield sample
        if "caption" in row:
            yield _own(str(Path(sample.path).with_suffix(".txt")), f"{row['caption']}\n".encode())
    for row in table["copy"]:
        if original := made.get(row["of"]):
            vary = variations.VARIATIONS[row["how"]]
            source = f"{original.path}, {row['how'].replace('_', ' ')}"
            yield Sample(row["path"], vary(original.data), source, original.licence)
    yield from _faces(origins["scikit-image"])
    scanned = [made[path] for path in sorted(made) if path.startswith("documents/")]
    if scanned:
        data = variations.pages([sample.data for sample in scanned])
        source = " and ".join(sample.path for sample in scanned)
        yield Sample("documents/scan.tif", data, source, "as those")
    yield _own("misfits/noise.png", variations.noise())
    yield _own("misfits/blank.png", variations.blank())
    yield _own("misfits/empty.jpg", b"")
    yield _own("misfits/floor-plan.dwg", b"AC1032\0 not a kind of file that Semblance reads\n")


def _faces(origin: Origin) -> Iterator[Sample]:
    inside = "data/lfw_subset.npy"
    file = origin.folder / inside
    if not file.is_file():
        return
    for number, face in enumerate(np.load(file, allow_pickle=False)[:_FACES], start=1):
        yield Sample(
            f"photographs/faces/face-{number:02}.png",
            variations.portrait(face),
            f"{origin}, {inside}, number {number}",
            "Labeled Faces in the Wild, distributed with scikit-image",
        )


def _own(path: str, data: bytes) -> Sample:
    return Sample(path, data, "Semblance", "Apache-2.0")


# --- texts -------------------------------------------------------------------------------------


def _texts(origins: Mapping[str, Origin]) -> Iterator[Sample]:
    table = tomllib.loads(files(__package__).joinpath("texts.toml").read_text(encoding="utf-8"))
    learning = origins["scikit-learn"]
    for file in sorted((learning.folder / "datasets/descr").glob("*.rst")):
        text = markdown(file.read_text(encoding="utf-8"))
        yield from _text(learning, "texts/datasets", file.stem, text, f"datasets/descr/{file.name}")
    for group in table["group"]:
        origin = origins[group["from"]]
        for module, names in _by_module(group["names"]).items():
            for name, docstring in docstrings(origin, module, names):
                path = f"{module}.{name}".strip(".")
                text = markdown(docstring if origin.name == "Python" else prose(docstring))
                stem = name if name and not name.startswith("_") else path.replace("__", "")
                yield from _text(origin, group["folder"], stem, text, path)
    yield from _text(
        origins["Python"], "texts/python", "zen", markdown(zen(origins["Python"])), "this"
    )
    for name in table["distributions"]["names"]:
        if told := distribution(name):
            text = markdown(prose(told))
            source = f"random.Generator.{name}"
            yield from _text(origins["numpy"], table["distributions"]["folder"], name, text, source)


def _by_module(names: list[str]) -> dict[str, list[str]]:
    """Names by module, so that each module's source is parsed once."""
    grouped: dict[str, list[str]] = {}
    for entry in names:
        module, _, name = entry.partition(":")
        grouped.setdefault(module, []).append(name)
    return grouped


def _text(origin: Origin, folder: str, name: str, text: str, source: str) -> Iterator[Sample]:
    if len(text) >= _SHORTEST_TEXT:
        data = titled(text, f"{source}, from {origin}").encode()
        yield Sample(
            f"{folder}/{name.strip('_').lower()}.md", data, f"{origin}, {source}", origin.licence
        )
