"""Where rows are multiplied with each other, in which numbers, and how much of it is affordable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

AFFORDABLE_FLOAT32 = 5e11
"""Multiplications a thread of a processor does in about ten seconds."""
AFFORDABLE_BFLOAT16 = 3e12
"""The same where the processor has matrix units (AMX)."""
AFFORDABLE_CUDA = 1e15
"""A million rows of 512 numbers with each other take half of it."""


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """How this machine compares rows.

    `device`: cpu or cuda. `numbers`: name of the torch type in which candidates are found; if it is
    not float32 they are ranked again in float32. `affordable`: so many multiplications are done
    rather than find neighbours approximately.
    """

    device: str = "cpu"
    numbers: str = "float32"
    affordable: float = AFFORDABLE_FLOAT32

    @property
    def halves(self) -> bool:
        """Whether candidates are found in numbers of half the length."""
        return self.numbers != "float32"

    def exact_pays(self, n: int, dimension: int) -> bool:
        """Whether n rows are best compared with all of each other."""
        return float(n) * n * dimension <= self.affordable


def arithmetic_of(device: str, n: int, dimension: int) -> Arithmetic:
    """The fastest that this machine has for n rows: a GPU that holds them, or the processor.

    `device`: auto, cpu, cuda or mps, as in the settings; an Apple GPU is left to the models.
    """
    import torch

    if device in ("auto", "cuda") and torch.cuda.is_available():
        free, _ = torch.cuda.mem_get_info()
        if n * dimension * 8 < free:  # float32 and float16 rows, and as much again to work in
            return Arithmetic("cuda", "float16", AFFORDABLE_CUDA)
    threads = torch.get_num_threads()
    if _has_matrix_units():
        return Arithmetic("cpu", "bfloat16", AFFORDABLE_BFLOAT16 * threads)
    return Arithmetic("cpu", "float32", AFFORDABLE_FLOAT32 * threads)


def _has_matrix_units() -> bool:
    """Whether the processor multiplies bfloat16 several times as fast as float32."""
    import torch

    # Older releases of torch do not tell: float32 is right everywhere.
    capabilities: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("amx_bf16", False))
