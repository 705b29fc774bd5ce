"""From a model's name to its row, for models of the catalogue and all others.

    mini, clip-vit-b-32, …                       a row of the catalogue
    open_clip:ViT-B-16/datacomp_xl_s13b_b90k     an architecture of open_clip and a tag of it
    open_clip:ViT-B-16//path/to/it.safetensors   … and a local weights file
    ViT-B-16/datacomp_xl_s13b_b90k               the same without the prefix
    sentence-transformers:all-mpnet-base-v2      a repository of the hub
    sentence-transformers:/path/to/folder        a local folder
    timm:resnet50.a1_in1k                        a model of timm, with its tag or without
    timm:resnet50//path/to/it.safetensors        … and a local weights file
    torchvision:resnet50                         a classifier of torchvision, likewise
    transformers:facebook/dinov2-large           a repository of the hub, or a local folder
    /path/to/folder                              … if it has a modules.json, which tells it from
                                                 transformers' preprocessor_config.json

Nothing is loaded, and neither torch nor a model library is imported.
"""

from __future__ import annotations

import difflib
import functools
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from indexer.embedders.catalogue import ROWS
from indexer.embedders.model import (
    BOTH,
    IMAGE,
    SENTENCE_WEIGHTS,
    TEXT,
    TOKENIZER,
    TRANSFORMERS_WEIGHTS,
    Files,
    Model,
)
from indexer.errors import ModelNotFound

WEIGHTS_SUFFIXES: Final = (".safetensors", ".pt", ".pth", ".bin")

NAMING: Final = (
    "Others are named `open_clip:ARCHITECTURE/TAG`, `open_clip:ARCHITECTURE//path/to/weights`, "
    "`sentence-transformers:NAME`, `timm:NAME`, `timm:NAME//path/to/weights`, `torchvision:NAME`, "
    "`transformers:OWNER/NAME`, or the path of a folder that one of these libraries saved."
)


def resolve(name: str) -> Model:
    """The row of that name, or one made up for a model of a library.

    Paths become absolute, so that a Space finds its model again from any working folder.
    Raises `ModelNotFound` with the nearest names.
    """
    for row in ROWS:
        if row.name == name:
            return row
    scheme, _, rest = name.partition(":")
    if scheme == "open_clip":
        return _open_clip(rest)
    if scheme == "timm":
        return _vision("timm", rest)
    if scheme == "torchvision":
        return _vision("torchvision", rest)
    if scheme == "sentence-transformers" and rest:
        return _sentence(rest)
    if scheme == "transformers" and rest:
        return _transformers(rest)
    if (Path(name).expanduser() / "modules.json").is_file():
        return _sentence(name)
    if (Path(name).expanduser() / "preprocessor_config.json").is_file():
        return _transformers(name)
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


def _vision(library: Literal["timm", "torchvision"], rest: str) -> Model:
    """A model of timm or torchvision; whether it has the name, only importing it tells."""
    architecture, slash, pretrained = rest.partition("/")
    path = Path(pretrained).expanduser()
    if not architecture or (slash and not (path.suffix in WEIGHTS_SUFFIXES and path.is_file())):
        raise ModelNotFound(
            f"{pretrained!r} is no weights file that is there ({', '.join(WEIGHTS_SUFFIXES)}). "
            f"{NAMING}",
            name=f"{library}:{rest}",
        )
    path = path.resolve()
    return Model(
        name=f"{library}:{architecture}/{path}" if slash else f"{library}:{architecture}",
        loader=library,
        kinds=IMAGE,
        description=f"{library}'s {architecture}{f', {path.name}' if slash else ''}.",
        text_window=0,
        weights=Files(((path.name,),), folder=path.parent) if slash else None,
        architecture=architecture,
    )


def _transformers(place: str) -> Model:
    folder = _folder(place)
    return Model(
        name=f"transformers:{folder or place}",
        loader="transformers",
        kinds=IMAGE,
        description=f"transformers' {folder.name if folder else place}.",
        text_window=0,
        weights=Files(TRANSFORMERS_WEIGHTS, folder=folder, repo=None if folder else place),
    )


def _sentence(place: str) -> Model:
    repo = place if "/" in place else f"sentence-transformers/{place}"
    folder = _folder(place, repo)
    return Model(
        name=f"sentence-transformers:{folder or place}",
        loader="sentence",
        kinds=TEXT,
        description=f"sentence-transformers' {folder.name if folder else place}.",
        weights=Files(SENTENCE_WEIGHTS, folder=folder, repo=None if folder else repo),
    )


def _folder(place: str, repo: str | None = None) -> Path | None:
    """The folder, or None for a repository of the hub. `ModelNotFound` if it is neither."""
    folder = Path(place).expanduser().resolve()
    if folder.is_dir():
        return folder
    if place[0] in "./~" or (repo or place).count("/") != 1:
        raise ModelNotFound(f"There is no folder {place}. {NAMING}", name=place)
    return None


def _not_found(name: str, problem: str, names: list[str], known: str = "") -> ModelNotFound:
    near = difflib.get_close_matches(name.partition("/")[0], names, n=3, cutoff=0.5)
    meant = f"Did you mean {' or '.join(near)}?" if near else ""
    parts = (problem, meant, known and f"{known}.", NAMING)
    return ModelNotFound(" ".join(part for part in parts if part), name=name, near=near)
