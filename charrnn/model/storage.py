"""How weights are stored: in float32, in half precision, or in 8 bits with a scale for each row of a matrix."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from charrnn.errors import CheckpointError, check_choice

NumberFormat = Literal["float32", "float16", "int8"]
FORMATS = ("float32", "float16", "int8")
SCALE = ".scale"  # after a matrix's name: what its rows' whole numbers are multiplied by
_LARGEST_WHOLE = 127  # of 8 bits; −128 is not used

Weights = dict[str, npt.NDArray[Any]]


def stored(weights: Weights, number: NumberFormat) -> Weights:
    """Return the tensors of a file: weights rounded to a number format.

    In int8 a row w of a matrix is whole numbers round(127·w / max|w|) and the scale max|w| / 127, in float32; vectors
    stay in float32.

    Raises:
        CheckpointError: a weight is beyond what float16 can hold, ±65,504.
        ConfigError: there is no such number format.
    """
    check_choice("number format", number, FORMATS)
    if number == "float32":
        return weights
    if number == "float16":
        for name, weight in weights.items():
            if np.abs(weight).max(initial=0) > np.finfo(np.float16).max:
                raise CheckpointError(f"{name} is too large for float16", "store it in float32")
        return {name: weight.astype(np.float16) for name, weight in weights.items()}
    tensors: Weights = {}
    for name, weight in weights.items():
        tensors[name] = weight.astype(np.float32)
        if weight.ndim == 2:
            scales = np.abs(tensors[name]).max(axis=1) / np.float32(_LARGEST_WHOLE)
            divisors = np.where(scales > 0, scales, 1)[:, None]
            tensors[name] = np.rint(tensors[name] / divisors).clip(-_LARGEST_WHOLE, _LARGEST_WHOLE).astype(np.int8)
            tensors[name + SCALE] = scales
    return tensors


def restored(tensors: Weights) -> Weights:
    """Return the weights in float32 that the tensors of a file stand for."""
    weights = {name: tensor.astype(np.float32, copy=False) for name, tensor in tensors.items()}
    for name in [name for name in weights if name.endswith(SCALE)]:
        scales = weights.pop(name)
        weights[name.removesuffix(SCALE)] *= scales[:, None]
    return weights


def number_format(tensors: Weights) -> NumberFormat:
    """Return what the matrices among the tensors of a file are stored in."""
    kinds = {tensor.dtype.name for tensor in tensors.values() if tensor.ndim == 2}
    return next((name for name in ("int8", "float16") if name in kinds), "float32")


def layout(shapes: dict[str, tuple[int, ...]], names: set[str]) -> dict[str, tuple[tuple[str, ...], tuple[int, ...]]]:
    """Return types and shape of each tensor of a file that has tensors of these names, for weights of `shapes`.

    A matrix that has a scale is of 8 bits.
    """
    tensors: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {}
    for name, shape in shapes.items():
        scaled = len(shape) == 2 and name + SCALE in names
        tensors[name] = (("I8",) if scaled else ("F16", "F32"), shape)
        if scaled:
            tensors[name + SCALE] = (("F32",), shape[:1])
    return tensors
