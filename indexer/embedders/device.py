"""Where models run."""

from __future__ import annotations

from indexer.errors import ModelUnavailable


def choose_device(device: str = "auto") -> str:
    """`auto` as cuda, mps or cpu, the first that is there; any other device as it is.

    Raises `ModelUnavailable` for a device that torch cannot reach here.
    """
    import torch

    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        return next(name for name, available in there.items() if available)
    if not there.get(device.partition(":")[0], False):
        raise ModelUnavailable(
            f"Models were to run on {device!r}, which torch {torch.__version__} does not reach "
            "here. Set SEMBLANCE_DEVICE to auto or cpu.",
            device=device,
        )
    return device


def batch_for(device: str) -> int:
    """Inputs of a forward pass that suit a device that was chosen.

    A processor gains nothing beyond 32; a GPU waits for the next call meanwhile.
    """
    return 32 if device == "cpu" else 256
