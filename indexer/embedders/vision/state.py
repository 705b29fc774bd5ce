"""Tensors of a weights file, read so that nothing in it can run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from indexer.embedders.model import Model
from indexer.errors import ModelUnavailable

# Under which training programs save weights, the averaged ones first.
NESTED: Final = ("state_dict_ema", "model_ema", "state_dict", "model")

# What wrappers put before each name, as timm takes it off.
WRAPPERS: Final = ("_orig_mod.", "module.", "_orig_mod.")


def read_state(model: Model, file: Path) -> dict[str, Any]:
    """Tensors by name, from safetensors or by torch with `weights_only=True`.

    Raises `ModelUnavailable` if the file is damaged, holds anything else, or is not there.
    """
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            state: Any = load_file(file)
        else:
            import torch

            state = torch.load(file, map_location="cpu", weights_only=True)
        state = next((state[key] for key in NESTED if isinstance(state.get(key), dict)), state)
        return {_bare(name): tensor for name, tensor in state.items()}
    except Exception as error:  # pickle, safetensors, torch and the file system raise their own
        raise unreadable(model, file, error) from error


def unreadable(model: Model, file: Path, error: object) -> ModelUnavailable:
    """The error for weights that are damaged or another model's; `error` is the library's."""
    # A library lists each of hundreds of layers that do not fit: the first ones will do.
    told = " ".join(str(error).split())
    told = told if len(told) <= 400 else f"{told[:400]} …"
    return ModelUnavailable(
        f"The weights {file} could not be read as {model.architecture or model.name}: {told}",
        model=model.name,
        file=str(file),
    )


def _bare(name: str) -> str:
    for wrapper in WRAPPERS:
        name = name.removeprefix(wrapper)
    return name
