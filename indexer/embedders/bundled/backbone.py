"""Reads the quantised ImageNet MobileNetV2 (.tflite) as float weights; for training only.

Needs the schema package: `pip install tflite`. Nothing at run time imports this module.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from indexer.embedders.bundled.towers import SameConv, Top, Trunk

BUFFER_TYPES = {"UINT8": np.uint8, "INT32": np.int32}


class Kernel(NamedTuple):
    """Float weights, shape (out, in or 1, height, width), and biases, shape (out,)."""

    weight: Tensor
    bias: Tensor


class Backbone(NamedTuple):
    """The float network: pixels → trunk → top → mean over places → classifier, 1,001 logits."""

    trunk: Trunk
    top: Top
    classifier: nn.Linear


def read_backbone(path: Path) -> Backbone:
    """The network in the file, dequantised, in evaluation mode.

    Batch norm was folded into weights and biases when the file was made. What is lost against the
    quantised network is its rounding and clipping of activations, which only help when absent.
    """
    kernels = read_kernels(path)
    trunk, top = Trunk(), Top()
    convolutions = [m for m in chain(trunk.modules(), top.modules()) if isinstance(m, SameConv)]
    if len(kernels) != len(convolutions) + 1:
        raise ValueError(f"{path.name} has {len(kernels)} convolutions, not MobileNetV2's 53")
    for convolution, kernel in zip(convolutions, kernels, strict=False):
        convolution.load_state_dict(kernel._asdict())
    classifier = nn.Linear(*kernels[-1].weight.shape[1::-1])
    classifier.load_state_dict({"weight": kernels[-1].weight[:, :, 0, 0], "bias": kernels[-1].bias})
    return Backbone(trunk.eval(), top.eval(), classifier.eval())


def read_kernels(path: Path) -> list[Kernel]:
    """All convolutions in the order they run, the classifier (a 1 × 1 convolution) last."""
    import tflite  # type: ignore[import-not-found, unused-ignore]

    model = tflite.Model.GetRootAs(path.read_bytes(), 0)
    graph = model.Subgraphs(0)
    kernels = []
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        code = model.OperatorCodes(operator.OpcodeIndex())
        kind = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        weight, bias = (
            (dequantised(model, graph.Tensors(operator.Inputs(slot))) for slot in (1, 2))
            if kind in (tflite.BuiltinOperator.CONV_2D, tflite.BuiltinOperator.DEPTHWISE_CONV_2D)
            else (None, None)
        )
        if weight is not None and bias is not None:
            depthwise = kind == tflite.BuiltinOperator.DEPTHWISE_CONV_2D
            kernels.append(kernel(weight, bias, depthwise))
    return kernels


def kernel(weight: NDArray[np.float32], bias: NDArray[np.float32], depthwise: bool) -> Kernel:
    """TensorFlow's layout (out, h, w, in), or (1, h, w, out) if depthwise, as torch's."""
    order = (3, 0, 1, 2) if depthwise else (0, 3, 1, 2)
    return Kernel(
        torch.from_numpy(np.ascontiguousarray(weight.transpose(order))), torch.from_numpy(bias)
    )


def dequantised(model: Any, tensor: Any) -> NDArray[np.float32]:
    """scale × (stored − zero point), in the tensor's shape; biases carry scale input × weight."""
    import tflite  # type: ignore[import-not-found, unused-ignore]

    names = {getattr(tflite.TensorType, name): kind for name, kind in BUFFER_TYPES.items()}
    stored = np.frombuffer(
        model.Buffers(tensor.Buffer()).DataAsNumpy().tobytes(), names[tensor.Type()]
    ).reshape(tensor.ShapeAsNumpy())
    quantisation = tensor.Quantization()
    scale, zero = quantisation.ScaleAsNumpy(), quantisation.ZeroPointAsNumpy()
    floats: NDArray[np.float32] = ((stored.astype(np.float64) - zero) * scale).astype(np.float32)
    return floats
