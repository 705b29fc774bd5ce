"""Compiles the towers of one model and judges them: a process of its own.

    python -m indexer.embedders.compilation MODEL FOLDER

It ends when its standard input does, so that it never outlives the process that wanted it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from indexer.embedders.compiled import (
    AGREEMENT,
    GAIN,
    VERDICT,
    Towered,
    Verdict,
)
from indexer.embedders.loading import load
from indexer.embedders.naming import resolve
from indexer.embedders.quantisation import weights_to_bytes
from indexer.embedders.running import CompiledRun, properties
from indexer.embedders.tower import Batch, Tower
from indexer.ports import Vectors

ROUNDS: Final = 2
"""Timings of each, in turns: other work on the machine then slows both alike."""

BULK: Final = 4
"""Batches in each timing: what is run side by side shows its worth only with several."""

NICENESS: Final = 5
BATCH: Final = 32


def main() -> None:
    """Compile the model's towers into the folder; it is either complete or not there."""
    model, folder = sys.argv[1], Path(sys.argv[2])
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder.parent))
    threading.Thread(target=_end_with_parent, args=(scratch,), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: _give_up(scratch))
    os.nice(NICENESS)
    try:
        _compile(model, folder, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _compile(model: str, folder: Path, scratch: Path) -> None:
    embedder = load(resolve(model), "cpu", BATCH)
    towers = embedder.towers if isinstance(embedder, Towered) else {}
    made = scratch / "towers"
    made.mkdir()
    verdicts = judge(towers, made)
    rows = {name: asdict(verdict) for name, verdict in verdicts.items()}
    (made / VERDICT).write_text(json.dumps(rows, indent=1), encoding="utf-8")
    try:
        made.rename(folder)
    except OSError:
        if not (folder / VERDICT).is_file():  # else another process was faster
            raise


def _end_with_parent(scratch: Path) -> None:
    # Not through sys.stdin, whose lock a thread must not hold when the interpreter ends.
    while os.read(0, 1):
        pass
    _give_up(scratch)


def _give_up(scratch: Path) -> None:
    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(1)


def judge(towers: Mapping[str, Tower], folder: Path) -> dict[str, Verdict]:
    """Compile each tower into `<folder>/<name>.blob` and say which precision is best, if any."""
    return {name: _best(tower, folder / f"{name}.blob") for name, tower in towers.items()}


def _best(tower: Tower, blob: Path) -> Verdict:
    """The fastest compiled form that agrees with torch; its file is left at `blob`."""
    examples = tower.examples()
    reference = tower.embed(examples)
    best = Verdict(None, 0.0, 0.0)
    try:
        graph = _graph(tower, examples)
        for precision in precisions():
            trial = blob.with_suffix(f".{precision}")
            trial.write_bytes(_exported(graph, precision))
            verdict = _compare(tower, trial, precision, examples, reference)
            if verdict.cosine >= AGREEMENT and verdict.speedup > max(best.speedup, GAIN):
                best = verdict
                trial.replace(blob)
            else:
                trial.unlink()
                best = best if best.precision else replace(verdict, precision=None)
    except Exception as error:  # a network that does not export stays with torch for good
        print(f"{blob.stem}: {type(error).__name__}: {error}", file=sys.stderr)
    return best


def precisions() -> list[str]:
    """What is tried: bf16 where the processor computes in it, float32, and last int8."""
    import openvino

    able = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return [*(["bf16"] if "BF16" in able else []), "f32", "int8"]


def _graph(tower: Tower, examples: Sequence[Batch]) -> Any:
    """The network as OpenVINO's graph, with every dimension free that differs among examples."""
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.fx_decoder import TorchFXPythonDecoder

    assert tower.network is not None
    columns = [tuple(torch.from_numpy(column) for column in batch) for batch in examples]
    shapes = tuple(_free(list(same)) for same in zip(*columns, strict=True))
    # Exported with a batch of several: a dimension of one would be taken for a constant.
    largest = max(columns, key=lambda batch: len(batch[0]))
    with torch.no_grad():
        exported = torch.export.export(
            tower.network, largest, dynamic_shapes=_named(tower.network, shapes), strict=False
        )
    # Not by openvino.convert_model, which reports to its makers; no picture's keeper asked for it.
    front_end = FrontEndManager().load_by_framework("pytorch")
    decoder = TorchFXPythonDecoder.from_exported_program(exported)  # alive until all is converted
    return front_end.convert(front_end.load(decoder))


def _free(same: Sequence[torch.Tensor]) -> dict[int, Any]:
    """Dimensions that vary among examples of one column."""
    return {
        axis: torch.export.Dim.DYNAMIC
        for axis in range(same[0].dim())
        if len({tensor.shape[axis] for tensor in same}) > 1
    }


def _named(network: torch.nn.Module, shapes: tuple[dict[int, Any], ...]) -> Any:
    """torch.export wants a network with `*columns` to have its shapes one level deeper."""
    import inspect

    parameters = inspect.signature(network.forward).parameters.values()
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return (shapes,)
    return shapes


def _exported(graph: Any, precision: str) -> bytes:
    """The graph compiled in that precision, as a file's content.

    int8 changes the graph itself, and for good: it is tried last.
    """
    import openvino

    if precision == "int8":
        weights_to_bytes(graph)
    compiled = openvino.Core().compile_model(graph, "CPU", properties(precision))
    found: bytes = compiled.export_model().getvalue()
    return found


def _compare(
    tower: Tower, blob: Path, precision: str, examples: Sequence[Batch], reference: Vectors
) -> Verdict:
    """Agreement and speed of what was compiled, with a batch at a time or one a core."""
    best = Verdict(precision, 0.0, 0.0)
    bulk = [examples[1]] * BULK
    for streams in sorted({1, os.cpu_count() or 1}):
        run = CompiledRun(blob, precision, streams)
        found = np.concatenate(run(examples))
        cosine = float(np.einsum("nd,nd->n", found, reference).min())
        verdict = Verdict(precision, cosine, _speedup(tower, run, bulk), streams)
        print(f"{blob.name}: {verdict}", file=sys.stderr)
        if verdict.speedup > GAIN * best.speedup:  # for less, a single form is simpler
            best = verdict
    return best


def _speedup(tower: Tower, run: CompiledRun, bulk: Sequence[Batch]) -> float:
    """How many times as fast as torch, timed in turns."""
    ratios = []
    for _ in range(ROUNDS):
        by_torch = _seconds(lambda: tower.embed(bulk))
        ratios.append(by_torch / _seconds(lambda: run(bulk)))
    return statistics.median(ratios)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
