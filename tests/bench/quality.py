"""How surely spoilt pictures are told from good ones, beside cleanvision on the same files.

    python3 -m venv PEERS && PEERS/bin/pip install cleanvision
    ./run bench quality FOLDER --python PEERS/bin/python

Photographs of FOLDER are written out as they are, and as many again spoilt in one way each:
blurred, darkened, overexposed, greyed, left empty, shrunk, cut to a strip. For each way: which
share is flagged for it (recall), and of the good ones how many are; and how often both agree.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageFilter
from numpy.typing import NDArray

from indexer.analysis.quality import pictures
from indexer.analysis.quality.issues import scores_of
from indexer.analysis.quality.measuring import COLUMNS
from tests.bench import report
from tests.bench.beside import beside

Image = PIL.Image.Image

# How a picture is spoilt, by our name and by cleanvision's.
SPOILT: Mapping[str, tuple[str, Callable[[Image], Image]]] = {
    "blurred": ("blurry", lambda one: one.filter(PIL.ImageFilter.GaussianBlur(max(one.size) / 90))),
    "dark": ("dark", lambda one: one.point(lambda value: value * 0.2)),
    "light": ("light", lambda one: one.point(lambda value: 205 + value * 0.2)),
    "grey": ("grayscale", lambda one: one.convert("L").convert("RGB")),
    "blank": ("low_information", lambda one: PIL.Image.new("RGB", one.size, one.getpixel((5, 5)))),
    "odd_size": ("odd_size", lambda one: one.resize((one.width // 12, one.height // 12))),
    "odd_aspect": (
        "odd_aspect_ratio",
        lambda one: one.crop((0, 0, one.width, max(one.height // 5, 1))),
    ),
}

CLEANVISION = """
import cleanvision
from cleanvision import Imagelab
paths = [str(one) for one in np.load(folder / "paths.npy")]
issues = json.loads(str(np.load(folder / "issues.npy")))
started = time.perf_counter()
lab = Imagelab(filepaths=paths)
lab.find_issues({issue: {} for issue in issues}, n_jobs=2, verbose=False)
seconds = time.perf_counter() - started
for issue in issues:
    np.save(folder / f"{issue}.npy", lab.issues.loc[paths, f"is_{issue}_issue"].to_numpy(bool))
print(json.dumps({"seconds": seconds, "version": getattr(cleanvision, "__version__", "?")}))
"""


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench quality", description=__doc__)
    parser.add_argument("data", type=Path, help="a folder of photographs")
    parser.add_argument("--python", type=Path, help="a Python that has cleanvision")
    parser.add_argument("--alone", action="store_true", help="measure without cleanvision")
    parser.add_argument("--pictures", type=int, default=350)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        paths, ways = _written(options.data, Path(scratch), options.pictures)
        started = time.perf_counter()
        ours = _ours(paths)
        seconds = time.perf_counter() - started
        result: dict[str, Any] = {
            "files": len(paths),
            "semblance": {**_figures(ours, ways), "files_per_second": round(len(paths) / seconds)},
        }
        if not options.alone:
            result |= _beside_cleanvision(options.python, paths, ways, ours)
    report.write("quality", result)


def _written(data: Path, folder: Path, count: int) -> tuple[list[Path], list[str]]:
    """The files, and how each is spoilt; "" for a good one."""
    found = sorted(path for path in data.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    if not found:
        raise SystemExit(f"There are no photographs in {data}.")
    chosen = random.Random(0).sample(found, min(2 * count, len(found)))
    paths, ways = [], []
    half = len(chosen) // 2
    for number, path in enumerate(chosen):
        way = "" if number < half else [*SPOILT][number % len(SPOILT)]
        image = PIL.Image.open(path).convert("RGB")
        paths.append(folder / f"{number:05}.png")
        (SPOILT[way][1](image) if way in SPOILT else image).save(paths[-1])
        ways.append(way)
    return paths, ways


def _ours(paths: list[Path]) -> dict[str, NDArray[np.bool_]]:
    with ThreadPoolExecutor(2) as threads:
        rows = list(threads.map(_measured, paths))
    columns = {name: np.array([row.get(name, np.nan) for row in rows]) for name in COLUMNS}
    scores = {str(issue): found for issue, found in scores_of(columns, [None] * len(rows)).items()}
    return {issue: np.nan_to_num(scores[issue]) > 0.5 for issue in SPOILT}


def _measured(path: Path) -> dict[str, float]:
    image = PIL.Image.open(path).convert("RGB")
    return {"width": image.width, "height": image.height, **pictures.measure(image)}


def _figures(flagged: Mapping[str, NDArray[np.bool_]], ways: list[str]) -> dict[str, object]:
    spoilt = np.array(ways)
    return {
        issue: {
            "recall": round(float(marks[spoilt == issue].mean()), 3),
            "good_flagged": round(float(marks[spoilt == ""].mean()), 4),
        }
        for issue, marks in flagged.items()
    }


def _beside_cleanvision(
    python: Path | None, paths: list[Path], ways: list[str], ours: dict[str, NDArray[np.bool_]]
) -> dict[str, Any]:
    import json

    names = {issue: theirs for issue, (theirs, _) in SPOILT.items()}
    given = {
        "paths": np.array([str(path) for path in paths]),
        "issues": np.array(json.dumps([*names.values()])),
    }
    told = beside(python, "cleanvision", CLEANVISION, given)
    theirs = {issue: told[name] for issue, name in names.items()}
    rate = round(len(paths) / told["seconds"])
    agreement = {issue: round(float((ours[issue] == theirs[issue]).mean()), 3) for issue in SPOILT}
    return {
        "cleanvision": {
            "version": told["version"],
            **_figures(theirs, ways),
            "files_per_second": rate,
        },
        "agreement": agreement,
    }
