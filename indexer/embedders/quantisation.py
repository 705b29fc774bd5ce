"""Weights of a network as bytes, for processors that multiply bytes several times as fast."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

LARGE: Final = 100_000
"""Numbers from which a matrix is worth it."""


def weights_to_bytes(graph: Any) -> int:
    """Turn large matrices of an OpenVINO graph into int8 with a scale a row; returns how many.

    Symmetric, so that the largest of a row is 127. What they are multiplied with is made bytes by
    OpenVINO as it comes (dynamic quantisation), so nothing needs to be calibrated.
    """
    count = 0
    for node in graph.get_ordered_ops():
        source = node.input_value(1).get_node() if node.get_type_name() == "MatMul" else None
        if source is None or source.get_type_name() != "Constant":
            continue
        weights = np.asarray(source.get_data(), dtype=np.float32)
        if weights.ndim == 2 and weights.size >= LARGE:
            rows = 1 if node.get_attributes()["transpose_b"] else 0
            node.input(1).replace_source_output(_scaled_bytes(weights, rows))
            count += 1
    return count


def _scaled_bytes(weights: Any, axis: int) -> Any:
    """A graph's output that is the weights again, from bytes and the scale along an axis."""
    from openvino import opset13

    scale = np.abs(weights).max(axis=axis, keepdims=True).astype(np.float32) / np.float32(127)
    scale = np.maximum(scale, np.finfo(np.float32).tiny)
    stored = opset13.constant(np.round(weights / scale).astype(np.int8))
    return opset13.multiply(opset13.convert(stored, np.float32), opset13.constant(scale)).output(0)
