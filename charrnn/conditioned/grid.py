"""Grid: an image as a memory, one place for each cell: the same lines for numpy arrays and torch tensors.

A cell has F numbers, which an extractor found; the model learns what to make of them, and where each cell is:

    x₀ = (features − mean) / scale;  xₖ = max(0, W_k * xₖ₋₁ + b_k);  v = max(0, W x_K + b + places)

Each convolution W_k * x reads 3 × 3 cells and halves the grid. Without one (K = 0), what an extractor has found is all
that the model sees.
"""

from collections.abc import Mapping

from charrnn.conditioned.config import ConditionedConfig
from charrnn.model.cells import Array, array_module, product


def values(config: ConditionedConfig, weights: Mapping[str, Array], features: Array) -> Array:
    """Return the values V [B, L, D] of the cells of images, row by row, from their features [B, h, w, F]."""
    x = (features - config.feature_mean) / config.feature_scale
    for index in range(config.convolutions):
        bias = weights[f"grid.{index}.bias"]
        x = (product(neighbours(x), weights[f"grid.{index}.weight"]) + bias).clip(0)
    seen = (product(x, weights["grid.weight"]) + weights["grid.bias"] + weights["grid.places"]).clip(0)
    return seen.reshape(len(seen), -1, config.memory_size)


def neighbours(x: Array) -> Array:
    """Return for every second cell the 3 × 3 cells around it, [B, h, w, C] -> [B, ⌈h/2⌉, ⌈w/2⌉, 9·C]; outside is 0.

    >>> import numpy as np
    >>> neighbours(np.arange(1, 5).reshape(1, 2, 2, 1)).tolist()
    [[[[0, 0, 0, 0, 1, 2, 0, 3, 4]]]]
    """
    library = array_module(x)
    _, h, w, _ = x.shape
    row = x[:, :1] * 0
    x = library.concatenate([row, x, row], axis=1)
    column = x[:, :, :1] * 0
    x = library.concatenate([column, x, column], axis=2)
    pieces = [x[:, i : i + h : 2, j : j + w : 2] for i in range(3) for j in range(3)]
    return library.concatenate(pieces, axis=3)
