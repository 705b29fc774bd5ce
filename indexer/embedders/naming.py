"""From a model's name to its row, for models of the catalogue and all others.

    mini, clip-vit-b-32, …                       a row of the catalogue
    open_clip:ViT-B-16/datacomp_xl_s13b_b90k     an architecture of open_clip and a tag of it
    open_clip:ViT-B-16//path/to/it.safetensors   … and a local weights file
    ViT-B-16/datacomp_xl_s13b_b90k               the same without the prefix
    sentence-transformers:all-mpnet-base-v2      a repository of the hub
    sentence-transformers:/path/to/folder        a local folder
    /path/to/folder                              … if it has a modules.json

Nothing is loaded, and neither torch nor a model library is imported.
"""

from __future__ import annotations

import difflib
import functools
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from indexer.embedders.catalogue import BOTH, ROWS, SENTENCE_WEIGHTS, TEXT, TOKENIZER, Files, Model
from indexer.errors import ModelNotFound

WEIGHTS_SUFFIXES: Final = (".safetensors", ".pt", ".pth", ".bin")

NAMING: Final = (
    "Others are named `open_clip:ARCHITECTURE/TAG`, `open_clip:ARCHITECTURE//path/to/weights`, "
    "`sentence-transformers:NAME`, or the path of a sentence-transformers folder."
)


def resolve(name: str) -> Model:
    """The row of that name, or one made for an open_clip or sentence-transformers model.

    Paths become absolute, so that a Space finds its model again from any working folder.
    Raises `ModelNotFound` with the nearest names.
    """
    for row in ROWS:
        if row.name == name:
            return row
    scheme, _, rest = name.partition(":")
    if scheme == "open_clip":
        return _open_clip(rest)
    if scheme == "sentence-transformers" and rest:
        return _sentence(rest)
    if (Path(name).expanduser() / "modules.json").is_file():
        return _sentence(name)
    first, slash, second = name.partition("/")
    if slash and first == "sentence-transformers" and second:
        return _sentence(name)
    if slash and first in architectures():
        return _open_clip(name)
    names = [row.name for row in ROWS]
    raise _not_found(name, f"There is no model {name!r}.", names, "Known: " + ", ".join(names))


@functools.cache
def architectures() -> Mapping[str, Path]:
    """open_clip's architectures and their configuration files, found without importing it."""
    spec = importlib.util.find_spec("open_clip")
    places = (spec.submodule_search_locations or ()) if spec else ()
    files = [file for place in places for file in Path(place, "model_configs").glob("*.json")]
    return {file.stem: file for file in sorted(files)}


def _open_clip(rest: str) -> Model:
    architecture, _, pretrained = rest.partition("/")
    if architecture not in architectures():
        problem = f"open_clip has no architecture {architecture!r}."
        raise _not_found(rest, problem, list(architectures()))
    config: dict[str, Any] = json.loads(architectures()[architecture].read_text("utf-8"))
    path = Path(pretrained).expanduser()
    local = path.suffix in WEIGHTS_SUFFIXES
    if not pretrained or (local and not path.is_file()) or ("/" in pretrained and not local):
        raise ModelNotFound(
            f"{pretrained!r} is neither a tag of open_clip nor a weights file that is there "
            f"({', '.join(WEIGHTS_SUFFIXES)}). {NAMING}",
            name=rest,
        )
    path = path.resolve()
    size = config["vision_cfg"]["image_size"]
    return Model(
        name=f"open_clip:{architecture}/{path if local else pretrained}",
        loader="clip",
        kinds=BOTH,
        description=f"open_clip's {architecture}, {path.name if local else pretrained}.",
        dimension=config["embed_dim"],
        image_size=size if isinstance(size, int) else min(size),
        weights=Files(((path.name,),), folder=path.parent) if local else None,
        texts=_text_files(config["text_cfg"], path.parent if local else None),
        architecture=architecture,
        tag=None if local else pretrained,
    )


def _text_files(text: Mapping[str, Any], folder: Path | None) -> Files | None:
    """Tokenizer files, and for text towers from transformers their configuration."""
    if "hf_tokenizer_name" not in text:
        return None  # open_clip brings CLIP's own tokenizer with it
    need = (*TOKENIZER, ("config.json",)) if "hf_model_name" in text else TOKENIZER
    return Files(need, folder=folder, repo=text["hf_tokenizer_name"])


def _sentence(place: str) -> Model:
    folder = Path(place).expanduser().resolve()
    local = folder.is_dir()
    repo = place if "/" in place else f"sentence-transformers/{place}"
    if not local and (place[0] in "./~" or repo.count("/") != 1):
        raise ModelNotFound(f"There is no folder {place}. {NAMING}", name=place)
    return Model(
        name=f"sentence-transformers:{folder if local else place}",
        loader="sentence",
        kinds=TEXT,
        description=f"sentence-transformers' {folder.name if local else place}.",
        weights=Files(
            SENTENCE_WEIGHTS, folder=folder if local else None, repo=None if local else repo
        ),
    )


def _not_found(name: str, problem: str, names: list[str], known: str = "") -> ModelNotFound:
    near = difflib.get_close_matches(name.partition("/")[0], names, n=3, cutoff=0.5)
    meant = f"Did you mean {' or '.join(near)}?" if near else ""
    parts = (problem, meant, known and f"{known}.", NAMING)
    return ModelNotFound(" ".join(part for part in parts if part), name=name, near=near)
