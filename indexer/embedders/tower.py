"""A tower: one network of a model. Arrays go in, unit vectors come out.

It begins as a torch module and may later run what was compiled from that module instead
(`indexer.embedders.compiled`); whoever calls it sees no difference but speed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from indexer.embedders.precision import precision
from indexer.ports import Vectors

Batch = tuple[NDArray[Any], ...]
"""The columns of one forward pass: `(pixels,)`, `(token ids,)` or `(token ids, mask)`."""


EXAMPLE_TEXTS: Final = (
    "sea",
    "a dog runs over wet sand",
    "Two women in long dresses stand in front of a shop and look at the street.",
    "minutes of the council, 14 March 1893: the bridge, the school and the price of coal",
    "The lantern slides were bought from the widow of the photographer, who had kept them in the "
    "attic for forty years; most of them show harbours, a few show the workers of the shipyard.",
)
"""What compiled text towers are held against; short and long, plain and less so."""


class Run(Protocol):
    """A compiled network; safe to call from several threads."""

    def __call__(self, batches: Iterable[Batch]) -> list[Vectors]:
        """Unit vectors of each batch, shape (its rows, dimension), in order."""


class Pictures(nn.Module):
    """Bytes of shape (n, height, width, 3) to unit vectors, through a network for pictures."""

    def __init__(self, network: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        """`mean` and `std` are those of the three channels, in 0 to 1."""
        super().__init__()
        self.network = network
        self.mean: Tensor
        self.std: Tensor
        # Not persistent: they belong to the preparation, not to the model's weights.
        for name, channels in (("mean", mean), ("std", std)):
            values = torch.tensor(channels, dtype=torch.float32, device=_device(network))
            self.register_buffer(name, values.view(3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        # Permuted and not copied, the bytes already lie as convolutions like them best.
        channels = pixels.permute(0, 3, 1, 2).float() / 255.0
        out: Tensor = self.network((channels - self.mean) / self.std)
        return functional.normalize(out.float(), dim=-1)


class Unit(nn.Module):
    """What any network makes of its columns, as unit vectors."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *columns: Tensor) -> Tensor:
        return functional.normalize(self.network(*columns).float(), dim=-1)


class Tower:
    """One network of a model, in evaluation mode, on its device."""

    def __init__(self, network: nn.Module, examples: Callable[[], Sequence[Batch]]) -> None:
        """`examples` gives batches of several shapes, on which a compiled form is held against
        this one.
        """
        self.network: nn.Module | None = network
        self.examples: Final = examples
        self.seen = 0
        self._device = _device(network)
        self._compiled: Run | None = None

    @property
    def on_processor(self) -> bool:
        """Whether it runs on the CPU."""
        return self._device.type == "cpu"

    @property
    def device(self) -> str:
        """Where it runs: cpu, cuda or mps."""
        return self._device.type

    @property
    def compiled(self) -> bool:
        """Whether it runs in its compiled form."""
        return self._compiled is not None

    def replace(self, run: Run) -> None:
        """From now on run what was compiled from the network, and let go of the network."""
        self._compiled = run
        self.network = None

    def embed(self, batches: Iterable[Batch]) -> Vectors:
        """Unit vectors, float32 of shape (rows of all batches, dimension), in their order.

        At least one batch, of at least one row.
        """
        run = self._compiled
        found = self._by_torch(batches) if run is None else run(batches)
        self.seen += sum(len(vectors) for vectors in found)
        return np.concatenate(found).astype(np.float32, copy=False)

    def _by_torch(self, batches: Iterable[Batch]) -> list[Vectors]:
        network = self.network
        if network is None:  # replaced between two lines of `embed`
            return [self.embed([batch]) for batch in batches]
        with torch.inference_mode(), precision(self._device):
            # A GPU returns before it is done: the next batch is stacked and sent meanwhile.
            found = [network(*self._sent(batch)) for batch in batches]
            return [vectors.float().cpu().numpy() for vectors in found]

    def _sent(self, batch: Batch) -> list[Tensor]:
        columns = [torch.from_numpy(column) for column in batch]
        if self._device.type != "cuda":
            return [column.to(self._device) for column in columns]
        return [column.pin_memory().to(self._device, non_blocking=True) for column in columns]


def example_pictures(height: int, width: int, counts: Sequence[int] = (1, 4, 7)) -> list[Batch]:
    """Batches of made-up pictures: smooth ones, flat ones and noise, the same ones every time."""
    rng = np.random.default_rng(0)
    batches: list[Batch] = []
    for count in counts:
        small = torch.from_numpy(rng.uniform(0, 255, (count, 3, 6, 6)).astype(np.float32))
        smooth = functional.interpolate(small, (height, width), mode="bicubic").clamp(0, 255)
        grain = rng.normal(0, 12 * (count % 3), (count, height, width, 3))
        pictures = smooth.permute(0, 2, 3, 1).numpy() + grain
        batches.append((pictures.clip(0, 255).astype(np.uint8),))
    return batches


def _device(network: nn.Module) -> torch.device:
    return next(network.parameters(), torch.empty(0)).device
