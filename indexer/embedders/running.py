"""Runs what OpenVINO compiled of a tower."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from indexer.ports import Vectors

if TYPE_CHECKING:
    from indexer.embedders.tower import Batch


class CompiledRun:
    """A compiled network from its file: one batch on all cores, or a batch a core.

    Several batches run side by side where that is faster (`streams`), because cores that share
    a batch wait for each other at every layer; a single one, a query, is spread over all cores.
    """

    def __init__(self, blob: Path, precision: str, streams: int = 1) -> None:
        """`blob` has what `openvino.CompiledModel.export_model` gave on this machine."""
        self._blob = blob
        self._precision = precision
        self._streams = streams
        self._requests = threading.local()
        self._lock = threading.Lock()
        # Where pictures come in bulk alone, the form for a single one is never loaded.
        self._together: Any = None
        self._beside: Any = None
        if streams == 1:
            self._load()

    def __call__(self, batches: Iterable[Batch]) -> list[Vectors]:
        """Unit vectors of each batch, shape (its rows, dimension), in order."""
        given = list(batches)
        if self._streams == 1 or len(given) == 1:
            return [self._one(batch) for batch in given]
        return self._many(given)

    def _one(self, batch: Batch) -> Vectors:
        request = getattr(self._requests, "own", None)
        if request is None:  # each thread has its own
            request = self._requests.own = self._load().create_infer_request()
        return np.array(request.infer(list(batch), share_inputs=True)[0], dtype=np.float32)

    def _many(self, given: Sequence[Batch]) -> list[Vectors]:
        import openvino

        found: dict[int, Vectors] = {}

        def keep(request: Any, place: int) -> None:
            found[place] = np.array(request.get_output_tensor(0).data, dtype=np.float32)

        with self._lock:
            if self._beside is None:
                model = self._read({"NUM_STREAMS": str(self._streams)})
                self._beside = openvino.AsyncInferQueue(model, self._streams)
            self._beside.set_callback(keep)
            for place, batch in enumerate(given):
                self._beside.start_async(list(batch), place)
            self._beside.wait_all()
        return [found[place] for place in range(len(given))]

    def _load(self) -> Any:
        with self._lock:
            if self._together is None:
                self._together = self._read({"PERFORMANCE_HINT": "LATENCY"})
            return self._together

    def _read(self, how: Mapping[str, str]) -> Any:
        import openvino

        settings = {**properties(self._precision), **how}
        return openvino.Core().import_model(self._blob.read_bytes(), "CPU", settings)


def properties(precision: str) -> dict[str, str]:
    """OpenVINO's settings for `f32`, `bf16` or `int8`.

    int8: weights are bytes, and what meets them is made bytes in groups of 128 as it comes; all
    else is float32.
    """
    if precision == "int8":
        return {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": "128"}
    return {"INFERENCE_PRECISION_HINT": precision}
