"""Gives Embedders by name, each loaded once, and tells without loading what is on disk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from indexer.domain import Space, space_name
from indexer.embedders.compiled import CompiledTowers
from indexer.embedders.in_use import InUse, in_use
from indexer.embedders.model import Files, Loader, Model
from indexer.embedders.naming import resolve
from indexer.embedders.sharing import SharedQueries
from indexer.embedders.weights import find, remedy
from indexer.errors import ModelUnavailable
from indexer.ports import Embedder


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether a model can be used without a network: where its weights are, or the remedy."""

    on_disk: bool
    where: str = ""
    remedy: str = ""


class LoadedEmbedders:
    """The port `Embedders`: loads on first use, keeps what it has loaded, safe from any thread."""

    def __init__(
        self,
        device: str = "auto",
        batch_size: int | None = None,
        compiled: CompiledTowers | None = None,
    ) -> None:
        """`device` is auto, cpu, cuda or mps; `batch_size` counts inputs per forward pass, by
        default as many as suit the device.

        With `compiled`, towers on the processor are replaced by compiled ones that are faster.
        """
        self._device = device
        self._batch_size = batch_size
        self._compiled = compiled
        self._loaded: dict[str, Embedder] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> Embedder:
        """The Embedder of that name; the first call loads its weights, others wait for it.

        Raises `ModelNotFound` or `ModelUnavailable`; a later call tries again.
        """
        model = resolve(name)
        with self._lock:
            lock = self._locks.setdefault(model.name, threading.Lock())
        # One lock a name: a model that is being downloaded does not hold up the others.
        with lock:
            if model.name not in self._loaded:
                embedder = load(model, self._device, self._batch_size)
                if self._compiled is not None:
                    self._compiled.adopt(embedder)
                self._loaded[model.name] = SharedQueries(embedder)
            return self._loaded[model.name]

    def in_use(self) -> list[InUse]:
        """The models in memory."""
        return [in_use(embedder) for embedder in [*self._loaded.values()]]

    def close(self) -> None:
        """End what is being compiled in the background."""
        if self._compiled is not None:
            self._compiled.close()

    def describe(self, name: str) -> Model:
        """The model's row, made up for names outside the catalogue. Raises `ModelNotFound`."""
        return resolve(name)

    def available(self, name: str) -> Availability:
        """Whether the weights are on this machine; nothing is loaded and no network asked.

        Raises `ModelNotFound`.
        """
        model = resolve(name)
        if model.loader == "mini":
            return _mini_availability()
        if model.loader == "pixels":
            return Availability(True, where="Semblance itself")
        for files in _files(model):
            if find(files) is None:
                return Availability(False, remedy=remedy(model, files))
        return Availability(True, where=str(find(_files(model)[0])))

    def space_of(self, name: str) -> Space:
        """The Space that the model fills; weights are hashed, and loaded only where they must be.

        Raises `ModelNotFound` or `ModelUnavailable`.
        """
        model = resolve(name)
        known = FINGERPRINTS[model.loader](model) if model.name not in self._loaded else None
        dimension = model.dimension
        if known is None or dimension is None:
            embedder = self.get(name)
            known, dimension = embedder.fingerprint, embedder.dimension
        return Space(space_name(model.name), dimension, model.name, known, model.kinds)


def load(model: Model, device: str, batch_size: int | None) -> Embedder:
    """The model by its library, in torch. Raises `ModelNotFound` or `ModelUnavailable`."""
    return LOADERS[model.loader](model, device, batch_size)


def _files(model: Model) -> list[Files]:
    if model.loader == "clip":
        from indexer.embedders.clip import clip_files

        return [files for files in clip_files(model) if files is not None]
    if model.loader == "timm":
        from indexer.embedders.vision.from_timm import timm_files

        return [timm_files(model)]
    if model.loader == "torchvision":
        from indexer.embedders.vision.from_torchvision import torchvision_files

        return [torchvision_files(model)]
    return [model.weights] if model.weights is not None else []


def _mini_availability() -> Availability:
    from indexer.embedders.mini import IMAGE_WEIGHTS, text_folder

    try:
        folder = text_folder()
    except ModelUnavailable as error:
        return Availability(False, remedy=error.message)
    if not IMAGE_WEIGHTS.is_file():
        return Availability(False, remedy=f"Reinstall Semblance: {IMAGE_WEIGHTS} is missing.")
    return Availability(True, where=f"{IMAGE_WEIGHTS.parent}, {folder}")


def _load_mini(_model: Model, device: str, _batch_size: int | None) -> Embedder:
    from indexer.embedders.mini import load_mini

    return load_mini(device)


def _load_clip(model: Model, device: str, batch_size: int | None) -> Embedder:
    from indexer.embedders.clip import load_clip

    return load_clip(model, device, batch_size)


def _load_sentence(model: Model, device: str, batch_size: int | None) -> Embedder:
    from indexer.embedders.sentence import load_sentence

    return load_sentence(model, device, batch_size)


def _load_timm(model: Model, device: str, batch_size: int | None) -> Embedder:
    from indexer.embedders.vision.from_timm import load_timm

    return load_timm(model, device, batch_size)


def _load_torchvision(model: Model, device: str, batch_size: int | None) -> Embedder:
    from indexer.embedders.vision.from_torchvision import load_torchvision

    return load_torchvision(model, device, batch_size)


def _load_transformers(model: Model, device: str, batch_size: int | None) -> Embedder:
    from indexer.embedders.vision.from_transformers import load_transformers

    return load_transformers(model, device, batch_size)


def _load_pixels(model: Model, device: str, batch_size: int | None) -> Embedder:
    from indexer.embedders.vision.pixels import load_pixels

    return load_pixels(model, device, batch_size)


def _mini_fingerprint(_model: Model) -> str | None:
    from indexer.embedders.mini import IMAGE_WEIGHTS, fingerprint, text_folder

    files = [IMAGE_WEIGHTS, text_folder() / "model.safetensors"]
    return fingerprint(*files) if all(file.is_file() for file in files) else None


def _clip_fingerprint(model: Model) -> str | None:
    from indexer.embedders.clip import clip_fingerprint

    return clip_fingerprint(model)


def _sentence_fingerprint(model: Model) -> str | None:
    from indexer.embedders.sentence import sentence_fingerprint

    return sentence_fingerprint(model)


def _timm_fingerprint(model: Model) -> str | None:
    from indexer.embedders.vision.from_timm import timm_fingerprint

    return timm_fingerprint(model)


def _torchvision_fingerprint(model: Model) -> str | None:
    from indexer.embedders.vision.from_torchvision import torchvision_fingerprint

    return torchvision_fingerprint(model)


def _transformers_fingerprint(model: Model) -> str | None:
    from indexer.embedders.vision.from_transformers import transformers_fingerprint

    return transformers_fingerprint(model)


def _pixels_fingerprint(model: Model) -> str | None:
    from indexer.embedders.vision.pixels import pixels_fingerprint

    return pixels_fingerprint(model)


LOADERS: Final[Mapping[Loader, Callable[[Model, str, int | None], Embedder]]] = {
    "mini": _load_mini,
    "clip": _load_clip,
    "sentence": _load_sentence,
    "timm": _load_timm,
    "torchvision": _load_torchvision,
    "transformers": _load_transformers,
    "pixels": _load_pixels,
}

FINGERPRINTS: Final[Mapping[Loader, Callable[[Model], str | None]]] = {
    "mini": _mini_fingerprint,
    "clip": _clip_fingerprint,
    "sentence": _sentence_fingerprint,
    "timm": _timm_fingerprint,
    "torchvision": _torchvision_fingerprint,
    "transformers": _transformers_fingerprint,
    "pixels": _pixels_fingerprint,
}
