"""Batch is the primitive: streams cut into lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batches(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` consecutive values, the last one shorter; lazy."""
    iterator = iter(values)
    while batch := list(islice(iterator, size)):
        yield batch
