"""Towers compiled for this processor by OpenVINO: made once, kept on disk, taken when better.

A compiled tower is used only where it was measured, on this machine, to be faster than torch and
to give the same vectors (cosine of at least `AGREEMENT` on every example). That verdict and the
compiled network lie in a folder named after all that they depend on. The measuring is done by a
process of its own (`indexer.embedders.compilation`), because exporting a network holds the
interpreter for seconds and takes as much memory again as the model. Until it is done, and whenever
anything about it fails, torch does the work.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from indexer.embedders.running import CompiledRun
from indexer.errors import ModelUnavailable
from indexer.ports import Embedder

if TYPE_CHECKING:
    from indexer.embedders.tower import Tower

log = logging.getLogger(__name__)

AGREEMENT: Final = 0.999
"""Least cosine between a compiled tower's vector and torch's in float32."""

GAIN: Final = 1.1
"""How many times as fast as torch a compiled tower must be to be worth its disk and memory."""

VERSION: Final = 3
"""Part of the key: raise it when compiling, checking or timing changes."""

VERDICT: Final = "verdict.json"
USES: Final = 1000
"""Inputs after which a model is in earnest use: compiling takes a minute of the same cores."""

SERVING_SECONDS: Final = 60.0
"""Age after which a process that holds a model is taken to last."""


@runtime_checkable
class Towered(Protocol):
    """An Embedder whose towers can be replaced."""

    @property
    def towers(self) -> Mapping[str, Tower]: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of one tower: the precision to use, or None where torch is the better choice.

    `speedup` is the median of torch's seconds over the compiled tower's, timed in turns; `streams`
    are the batches to run side by side.
    """

    precision: str | None
    cosine: float
    speedup: float
    streams: int = 1


class CompiledTowers:
    """Replaces the towers of loaded Embedders by compiled ones, now or as soon as there are any."""

    def __init__(self, cache: Path) -> None:
        """`cache` is a folder that may be shared by processes and emptied at any time."""
        self._cache = cache
        self._closing = threading.Event()
        self._children: list[subprocess.Popen[bytes]] = []
        self._threads: list[threading.Thread] = []

    def adopt(self, embedder: Embedder) -> None:
        """Take compiled towers from the cache, or have them made in the background.

        Never raises for what fails: then the Embedder goes on as it is.
        """
        if not isinstance(embedder, Towered) or not embedder.towers or not available():
            return
        if not all(tower.on_processor for tower in embedder.towers.values()):
            return
        folder = self._cache / key(embedder.fingerprint)
        if (folder / VERDICT).is_file():
            take(embedder, folder)
        else:
            name = f"compile-{embedder.name}"
            watch = threading.Thread(
                target=self._make, args=(embedder, folder), name=name, daemon=True
            )
            self._threads.append(watch)
            watch.start()

    def close(self) -> None:
        """End what is being compiled; it begins anew in a later process."""
        self._closing.set()
        for child in self._children:
            child.terminate()
        for thread in self._threads:
            thread.join()

    def compile(self, model: str, fingerprint: str) -> dict[str, Verdict]:
        """Compile a model now, if that was not done, and tell the verdict on each tower.

        `fingerprint` is that of its Embedder. Raises `ModelUnavailable` if it cannot be compiled.
        """
        folder = self._cache / key(fingerprint)
        if (folder / VERDICT).is_file():
            return read_verdicts(folder)
        said = self._compile(model, folder)
        if not (folder / VERDICT).is_file():
            raise ModelUnavailable(f"Model {model!r} was not compiled: {said}", model=model)
        return read_verdicts(folder)

    def _make(self, embedder: Embedder, folder: Path) -> None:
        assert isinstance(embedder, Towered)
        born = time.monotonic()
        while sum(tower.seen for tower in embedder.towers.values()) < USES:
            if self._closing.wait(1.0):
                return
            if time.monotonic() - born > SERVING_SECONDS:
                break
        try:
            said = self._compile(embedder.name, folder)
            if self._closing.is_set():
                return
            if (folder / VERDICT).is_file():
                take(embedder, folder)
            else:
                log.info("Model %s was not compiled: %s", embedder.name, said)
        except Exception:
            log.warning("Model %s stays with torch.", embedder.name, exc_info=True)

    def _compile(self, model: str, folder: Path) -> str:
        """Run the other process to its end and return what it said last."""
        # The child ends by itself when its standard input does: with this process, even killed.
        command = [sys.executable, "-m", "indexer.embedders.compilation", model, str(folder)]
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
        )
        self._children.append(child)
        with child:
            assert child.stderr is not None
            return child.stderr.read().decode(errors="replace").strip().rpartition("\n")[2]


def available() -> bool:
    """Whether OpenVINO is installed; it is not imported."""
    return importlib.util.find_spec("openvino") is not None


def key(fingerprint: str) -> str:
    """Folder name for all that the compiled towers of an Embedder depend on."""
    facts = [VERSION, fingerprint, version("openvino"), version("torch")]
    facts += [platform.machine(), processor(), os.cpu_count()]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    return f"{fingerprint}-{digest}"


def processor() -> str:
    """What the processor calls itself, with its abilities where the system lists them."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    wanted = ("model name", "flags", "Features")
    return "\n".join(sorted({line for line in lines if line.startswith(wanted)}))


def take(embedder: Embedder, folder: Path) -> None:
    """Replace those towers that the verdict favours. Logs what fails, and leaves torch there."""
    assert isinstance(embedder, Towered)
    try:
        verdicts = read_verdicts(folder)
        for name, tower in embedder.towers.items():
            verdict = verdicts.get(name)
            if verdict is not None and verdict.precision is not None:
                blob = folder / f"{name}.blob"
                tower.replace(CompiledRun(blob, verdict.precision, verdict.streams))
                log.info(
                    "Model %s, %s tower: OpenVINO, %s, %.1f times as fast as torch.",
                    embedder.name,
                    name,
                    verdict.precision,
                    verdict.speedup,
                )
    except Exception:
        log.warning("Compiled towers in %s are of no use.", folder, exc_info=True)


def read_verdicts(folder: Path) -> dict[str, Verdict]:
    """The verdict on each tower by its name."""
    rows: dict[str, dict[str, Any]] = json.loads((folder / VERDICT).read_text("utf-8"))
    return {name: Verdict(**row) for name, row in rows.items()}
