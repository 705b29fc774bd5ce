"""A single vector in a file: what `semblance search --vector` takes."""

from __future__ import annotations

import json
from pathlib import Path

from indexer.errors import InvalidInput, NotFound


def read_vector(path: Path) -> list[float]:
    """The numbers of a `.npy` file or a JSON list. Raises `NotFound`, `InvalidInput`."""
    try:
        numbers = _from_npy(path) if path.suffix.lower() == ".npy" else _from_json(path)
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.", path=str(path)) from None
    except (OSError, ValueError, EOFError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}.", path=str(path)) from error
    if not isinstance(numbers, list) or not numbers or not all(_is_number(n) for n in numbers):
        raise InvalidInput(
            f"{path} is no single vector: it should hold one list of numbers.", path=str(path)
        )
    return [float(number) for number in numbers]


def _from_npy(path: Path) -> object:
    import numpy as np

    array = np.load(path, allow_pickle=False)
    # one row of a matrix, as `matrix[7:8]` gives it, is a vector as well
    return (array[0] if array.ndim == 2 and len(array) == 1 else array).tolist()


def _from_json(path: Path) -> object:
    return json.loads(path.read_text())


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
