"""Finds weights on disk, and brings them from the Hugging Face hub when they are not there.

What is on disk is used without asking the network. What is not is asked for once with a short
timeout: the hub's own client would retry each missing file for half a minute.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from indexer.embedders.model import Files, Model
from indexer.errors import ModelNotFound, ModelUnavailable

PROBE_SECONDS: Final = 5.0

# Small files that a model may need beside those it is known by: prompts, pooling, vocabulary.
COMPANIONS: Final = ("*.json", "*.txt", "*.model")

# Keys that change with who saved the file, not with what the model computes.
PROVENANCE: Final = frozenset({"__version__", "_name_or_path", "transformers_version"})


def find(files: Files) -> Path | None:
    """The folder that has all the files, looking at this machine only; None if there is none."""
    places: list[Path | str] = [*_local_folders(files)]
    if files.repo is not None:
        places.append(files.repo)
    for place in places:
        chosen = [_first(place, names) for names in files.need]
        if all(chosen) and chosen[0] is not None:
            return chosen[0].parent
    return None


def fetch(model: Model, files: Files) -> Path:
    """The folder that has all the files, brought from the hub if need be.

    Raises `ModelUnavailable` naming the file, the hub's answer and the remedy; `ModelNotFound` if
    the hub does not know the repository. Without a network that takes seconds.
    """
    folder = find(files)
    if folder is None:
        if files.repo is None:
            raise _unavailable(model, files, "is not there")
        _download(model, files, files.repo)
        folder = find(files)
    if folder is None:
        raise _unavailable(model, files, "was not among what the hub sent")
    file = weights_file(folder, files)
    if files.sha256 is not None and not sha256_of(file).startswith(files.sha256):
        raise _unavailable(model, files, f"is damaged in {folder}: its SHA-256 is another")
    return folder


def weights_file(folder: Path, files: Files) -> Path:
    """The file of the first group in `files.need` that the folder has."""
    return next(folder / name for name in files.need[0] if (folder / name).is_file())


def sha256_of(path: Path) -> str:
    """SHA-256 of the file's bytes; read once as long as size and mtime stay."""
    facts = path.stat()
    return _sha256(path, facts.st_size, facts.st_mtime_ns)


def fingerprint(setup: object, paths: list[Path]) -> str:
    """16 hexadecimal digits over the set-up (a JSON value) and the contents of the files.

    JSON files count by their values, without those that only tell who saved them.
    """
    total = hashlib.sha256(json.dumps(setup, sort_keys=True).encode())
    for path in paths:
        total.update(_content(path).encode())
    return total.hexdigest()[:16]


def remedy(model: Model, files: Files) -> str:
    """How a person brings the files to a machine that cannot reach the hub."""
    local = f"name local weights: --model {_local_name(model, files)}"
    if files.repo is None:
        if files.url is None:
            return f"Put {_lacking(files)} into {files.folder}."
        return f"Download {files.url} into {files.folder}, or {local}"
    from huggingface_hub.constants import HF_HUB_CACHE

    folder = "models--" + files.repo.replace("/", "--")
    wanted = "" if model.loader == "sentence" else " " + " ".join(n[0] for n in files.need)
    return (
        f"Where there is a network run `hf download {files.repo}{wanted}` and copy "
        f"{folder} into {HF_HUB_CACHE}, or {local}"
    )


def _local_name(model: Model, files: Files) -> str:
    """How weights that lie somewhere else on this machine are named."""
    file = f"{model.architecture}//path/to/{files.need[0][0]}"
    return {
        "clip": f"open_clip:{file}",
        "timm": f"timm:{file}",
        "torchvision": f"torchvision:{file}",
        "transformers": "transformers:/path/to/folder",
    }.get(model.loader, "sentence-transformers:/path/to/folder")


@functools.lru_cache(maxsize=64)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:  # noqa: ARG001 - part of the cache's key
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _content(path: Path) -> str:
    if path.suffix != ".json" or path.name.startswith("tokenizer"):
        return sha256_of(path)
    values = json.loads(path.read_text("utf-8"))
    if isinstance(values, dict):
        values = {key: value for key, value in values.items() if key not in PROVENANCE}
    return json.dumps(values, sort_keys=True)


def _local_folders(files: Files) -> Iterator[Path]:
    if files.folder is not None:
        yield files.folder
    # find_spec does not import the package, which would cost its own imports.
    spec = importlib.util.find_spec(files.package) if files.package else None
    for place in (spec.submodule_search_locations or ()) if spec else ():
        yield Path(place) / "model"


def _first(place: Path | str, names: tuple[str, ...]) -> Path | None:
    """The first of the names that a folder, or the hub's cache of a repository, has."""
    if isinstance(place, Path):
        return next((place / name for name in names if (place / name).is_file()), None)
    from huggingface_hub import try_to_load_from_cache

    cached = (try_to_load_from_cache(place, name) for name in names)
    return next((Path(path) for path in cached if isinstance(path, str)), None)


def _download(model: Model, files: Files, repo: str) -> None:
    from huggingface_hub import constants, snapshot_download

    if constants.HF_HUB_OFFLINE:
        raise _unavailable(model, files, "is not on this machine and HF_HUB_OFFLINE is set")
    wanted = [_on_hub(model, files, repo, names) for names in files.need]
    if model.loader in ("sentence", "transformers"):
        # Later modules have weights of their own, and large ones come in several files.
        wanted.append("*.bin" if wanted[0].endswith(".bin") else "*.safetensors")
    try:
        snapshot_download(repo, allow_patterns=[*wanted, *COMPANIONS])
    except Exception as error:  # whatever broke the download, the remedy is the same
        raise _unavailable(model, files, f"could not be downloaded ({error})") from error


def _on_hub(model: Model, files: Files, repo: str, names: tuple[str, ...]) -> str:
    """The first of the names that the repository has, by one short question each."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError

    for name in names:
        try:
            get_hf_file_metadata(hf_hub_url(repo, name), timeout=PROBE_SECONDS)
        except EntryNotFoundError:
            continue
        except RepositoryNotFoundError as error:
            raise ModelNotFound(
                f"The hub has no repository {repo!r}, or it asks for a token (HF_TOKEN).",
                name=model.name,
            ) from error
        except Exception as error:  # no route, no name, a timeout, a proxy that refuses
            raise _unavailable(
                model, files, f"is not on this machine and the hub did not answer ({error})"
            ) from error
        return name
    raise _unavailable(model, files, f"is not in {repo}", names[0])


def _lacking(files: Files) -> str:
    """The first file that is not there; if none lacks, the weights."""
    place = files.folder or files.repo
    names = [names[0] for names in files.need if place is None or _first(place, names) is None]
    return names[0] if names else files.need[0][0]


def _unavailable(
    model: Model, files: Files, problem: str, file: str | None = None
) -> ModelUnavailable:
    file = file or _lacking(files)
    origin = files.repo or str(files.folder)
    return ModelUnavailable(
        f"Model {model.name!r} needs the file {file} of {origin}, which {problem}. "
        f"{remedy(model, files)}",
        model=model.name,
        file=file,
        repository=files.repo,
    )
