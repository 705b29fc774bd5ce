"""Runs another program's Python on the same input: it is given .npy files, and leaves some."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


def beside(python: Path | None, needs: str, script: str, given: Arrays) -> dict[str, Any]:
    """What the script leaves: its JSON on the last line of stdout, and arrays by name.

    The script finds `folder` (a `pathlib.Path`) with one .npy an array, and saves its own there.
    Raises `SystemExit` with what to install if that Python lacks what it `needs`.
    """
    if python is None:
        raise SystemExit(
            f"{needs} is not here, so nothing can be compared. Make a place for it, apart from "
            f"this project, and name its Python:\n  python3 -m venv PEERS && PEERS/bin/pip install "
            f"{needs}\n  --python PEERS/bin/python    (or --alone, to measure without it)"
        )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, array in given.items():
            np.save(folder / f"{name}.npy", array)
        head = f"import json, pathlib, time, numpy as np\nfolder = pathlib.Path({scratch!r})\n"
        done = subprocess.run(
            [str(python), "-W", "ignore", "-c", head + script],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{python} cannot run {needs}:\n{done.stderr[-2000:]}")
        told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        made = {path.stem: np.load(path) for path in folder.glob("*.npy")}
    return {**told, **{name: array for name, array in made.items() if name not in given}}
