"""Fixtures of the unit tests: a laboratory that is closed afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes import ColourEmbedder
from tests.lab import Lab, open_lab


@pytest.fixture
def lab(new_folder: Path) -> Iterator[Lab]:
    yield from open_lab(new_folder, ColourEmbedder())


@pytest.fixture
def make_lab(new_folder: Path) -> Iterator[Callable[..., Lab]]:
    opened: list[Iterator[Lab]] = []

    def make(*embedders: ColourEmbedder) -> Lab:
        opened.append(open_lab(new_folder, *embedders))
        return next(opened[-1])

    yield make
    for lab in opened:
        next(lab, None)
