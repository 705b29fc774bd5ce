"""Fixtures for all tests."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

# Compiling takes both cores for a while; the tests of it say so.
os.environ.setdefault("SEMBLANCE_COMPILE", "false")


@pytest.fixture(scope="session")
def fast_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in memory where there is one: the engine syncs to disk at each index it makes."""
    memory = Path("/dev/shm")
    if memory.is_dir() and shutil.disk_usage(memory).free > 2 * 1024**3:
        with tempfile.TemporaryDirectory(dir=memory, prefix="semblance-test-") as folder:
            yield Path(folder)
    else:
        yield tmp_path_factory.mktemp("stores")


@pytest.fixture
def new_folder(fast_folder: Path) -> Iterator[Path]:
    """The path of a folder for one test, in memory where that is possible; gone at its end."""
    folder = fast_folder / uuid.uuid4().hex
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
